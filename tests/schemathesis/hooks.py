"""How bodies that are texts travel."""

import schemathesis

TEXTS = ("text/csv", "application/x-ndjson", "application/xml", "application/x-mt940")


@schemathesis.serializer(*TEXTS)
def as_text(ctx, value):
    return value if isinstance(value, bytes) else value.encode("utf-8", "surrogatepass")


@schemathesis.hook
def filter_case(ctx, case):
    """Whatever is written down is a text: there is no body that is none."""
    return case.media_type not in TEXTS or isinstance(case.body, (str, bytes))
