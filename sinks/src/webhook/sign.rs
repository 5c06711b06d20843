//! Signatures after Standard Webhooks: HMAC-SHA256 over `id.timestamp.body`, one for each secret.

use super::config::Secret;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

fn code(secret: &Secret, id: &str, timestamp: i64, body: &[u8]) -> Hmac<Sha256> {
    let mut code = Hmac::<Sha256>::new_from_slice(secret.bytes()).expect("HMAC takes a key of any length");
    code.update(format!("{id}.{timestamp}.").as_bytes());
    code.update(body);
    code
}

/// The value of `webhook-signature`: `v1,<base64>` for each secret, separated by spaces.
pub fn signature(secrets: &[Secret], id: &str, timestamp: i64, body: &[u8]) -> String {
    let sign = |secret: &Secret| {
        let code = code(secret, id, timestamp, body).finalize().into_bytes();
        format!("v1,{}", BASE64_STANDARD.encode(code))
    };
    secrets.iter().map(sign).collect::<Vec<_>>().join(" ")
}

/// Whether one of the signatures in `header` is right; how a receiver checks, for tests.
#[cfg(test)]
pub(super) fn verify(secret: &Secret, id: &str, timestamp: i64, body: &[u8], header: &str) -> bool {
    header.split(' ').filter_map(|part| part.strip_prefix("v1,")).any(|encoded| {
        let sent = BASE64_STANDARD.decode(encoded).unwrap_or_default();
        code(secret, id, timestamp, body).verify_slice(&sent).is_ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    const WINDOW_S: i64 = 300;

    #[test]
    fn the_published_vectors_hold() {
        let vectors: Value = serde_json::from_str(include_str!("vectors.json")).expect("JSON");
        let now = vectors["now"].as_i64().expect("a time");
        for vector in vectors["vectors"].as_array().expect("rows") {
            let text = |key: &str| vector[key].as_str().expect("a text");
            let other = |key: &str| vector["other_headers"][key].as_str().expect("a header");
            let secret = Secret::parse(text("secret")).expect("a secret");
            let timestamp: i64 = other("webhook-timestamp").parse().expect("seconds");
            let (id, body) = (other("webhook-id"), text("body").as_bytes());
            let signed = verify(&secret, id, timestamp, body, text("header_value"));
            let valid = signed && (now - timestamp).abs() <= WINDOW_S;
            assert_eq!(valid, vector["valid"].as_bool().expect("a flag"), "{}", text("name"));
            if valid {
                let ours = signature(std::slice::from_ref(&secret), id, timestamp, body);
                assert!(text("header_value").split(' ').any(|part| part == ours), "{}", text("name"));
            }
        }
    }

    #[test]
    fn while_rotating_either_secret_verifies() {
        let secrets = [b"a".repeat(32), b"b".repeat(32)]
            .map(|key| Secret::parse(&format!("whsec_{}", BASE64_STANDARD.encode(key))).expect("32 bytes"));
        let header = signature(&secrets, "msg_1", 5, b"{}");
        assert!(secrets.iter().all(|secret| verify(secret, "msg_1", 5, b"{}", &header)));
        assert!(!verify(&secrets[0], "msg_1", 6, b"{}", &header) && !verify(&secrets[0], "msg_1", 5, b"{ }", &header));
    }
}
