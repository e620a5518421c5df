//! Headers of a message: CloudEvents 1.0 attributes in binary mode, and where its data belongs.

pub const ID: &str = "ce-id";
pub const TYPE: &str = "ce-type";
pub const SOURCE: &str = "ce-source";
pub const TIME: &str = "ce-time";
pub const SPEC_VERSION: &str = "ce-specversion";
/// Extension attribute: the tenant whose data the message carries; absent on fences.
pub const TENANT: &str = "ce-tenant";
/// Attribute `subject`: the customer whose data the message carries; absent where there is none.
pub const CUSTOMER: &str = "ce-subject";
pub const CONTENT_TYPE: &str = "content-type";
pub const TRACE_PARENT: &str = "traceparent";

pub const PROTOBUF: &str = "application/protobuf";
