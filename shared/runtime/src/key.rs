//! API keys: `puntual_<key id>_<secret>`. The id finds the row; of the secret only a hash is kept. A secret has 256 random
//! bits, so that a fast hash is right.

use sha2::{Digest, Sha256};
use uuid::Uuid;

const PREFIX: &str = "puntual";

/// The two parts of a key as a client sends it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PresentedKey {
    pub key_id: Uuid,
    pub secret_sha256: [u8; 32],
}

/// Reads a key; `None` when it cannot be one.
pub fn parse(text: &str) -> Option<PresentedKey> {
    let mut parts = text.split('_');
    let (Some(PREFIX), Some(key_id), Some(secret), None) = (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return None;
    };
    let key_id = Uuid::try_parse(key_id).ok()?;
    (secret.len() == 64).then(|| PresentedKey { key_id, secret_sha256: hash(secret) })
}

/// SHA-256 of the secret part.
pub fn hash(secret: &str) -> [u8; 32] {
    Sha256::digest(secret.as_bytes()).into()
}

/// The text that is shown once to whoever asked for the key.
pub fn format(key_id: Uuid, secret: &str) -> String {
    format!("{PREFIX}_{}_{secret}", key_id.simple())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_back_and_nothing_else_is() {
        let secret = "ab".repeat(32);
        let id = Uuid::from_u128(7);
        let key = format(id, &secret);
        assert_eq!(parse(&key), Some(PresentedKey { key_id: id, secret_sha256: hash(&secret) }));
        for wrong in [
            "",
            "puntual",
            "puntual_x_y",
            &key[..key.len() - 1],
            &format!("{key}_"),
            &key.replacen("puntual", "other", 1),
        ] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }
}
