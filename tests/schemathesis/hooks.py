"""How bodies that are texts travel."""

import schemathesis


@schemathesis.serializer("text/csv", "application/x-ndjson", "application/xml", "application/x-mt940")
def as_text(ctx, value):
    if isinstance(value, bytes):
        return value
    return (value if isinstance(value, str) else str(value)).encode("utf-8", "surrogatepass")
