//! What ERPs and banks send as files, read as facts of Puntual. Bytes in, facts out: no clock, no float.

pub mod layout;
pub mod rows;
pub mod table;
