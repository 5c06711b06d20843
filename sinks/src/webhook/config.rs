//! Where webhooks go, and how long they are tried.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::Deserialize;
use std::fmt;
use std::path::PathBuf;

/// The webhook sink's configuration.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WebhookConfig {
    /// Folder of the outboxes and dead letters.
    pub directory: PathBuf,
    /// Who is told.
    pub endpoints: Vec<EndpointConfig>,
    /// Waiting time before each retry, in milliseconds; jittered by a tenth. After the last a message is given up.
    #[serde(default = "retry_delays_ms")]
    pub retry_delays_ms: Vec<u64>,
    /// How long one attempt may take, in milliseconds.
    #[serde(default = "timeout_ms")]
    pub timeout_ms: u64,
    /// Messages that may wait for one endpoint; further ones become dead letters at once.
    #[serde(default = "outbox_max")]
    pub outbox_max: usize,
}

impl WebhookConfig {
    /// Endpoints under the default schedule.
    pub fn new(directory: PathBuf, endpoints: Vec<EndpointConfig>) -> Self {
        let (retry_delays_ms, timeout_ms, outbox_max) = (retry_delays_ms(), timeout_ms(), outbox_max());
        Self { directory, endpoints, retry_delays_ms, timeout_ms, outbox_max }
    }
}

/// One receiver.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EndpointConfig {
    /// A short name: letters, digits, `-` and `_`; it names the folder.
    pub name: String,
    /// `http://` or `https://`.
    pub url: String,
    /// Secrets, newest first. While a secret is being rotated both sign every message.
    pub secrets: Vec<Secret>,
}

/// The schedule after Standard Webhooks: 5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 14 h, 20 h, 24 h.
fn retry_delays_ms() -> Vec<u64> {
    [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400].map(|seconds| seconds * 1_000).to_vec()
}

/// Receivers are asked to answer first and work later; 15 s is what senders commonly grant.
fn timeout_ms() -> u64 {
    15_000
}

/// Alerts are few: ten thousand of them waiting means that nobody listens.
fn outbox_max() -> usize {
    10_000
}

/// A signing key. It is never printed.
#[derive(Clone, Deserialize)]
#[serde(try_from = "String")]
pub struct Secret(Vec<u8>);

/// Why a text is no secret. It does not repeat the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a webhook secret is `whsec_` followed by the base64 of 24 to 64 bytes")]
pub struct BadSecret;

impl Secret {
    /// Reads `whsec_...`.
    pub fn parse(text: &str) -> Result<Self, BadSecret> {
        let encoded = text.strip_prefix("whsec_").ok_or(BadSecret)?;
        let bytes = BASE64_STANDARD.decode(encoded).map_err(|_| BadSecret)?;
        if (24..=64).contains(&bytes.len()) { Ok(Self(bytes)) } else { Err(BadSecret) }
    }
    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl TryFrom<String> for Secret {
    type Error = BadSecret;
    fn try_from(text: String) -> Result<Self, BadSecret> {
        Self::parse(&text)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// Why nothing can be posted to `url`, if so.
pub fn url_fault(url: &str) -> Option<String> {
    let uri: ureq::http::Uri = match url.parse() {
        Ok(uri) => uri,
        Err(error) => return Some(format!("is no address ({error}); write http://HOST:PORT/PATH")),
    };
    if !matches!(uri.scheme_str(), Some("http" | "https")) {
        return Some("must begin with http:// or https://".to_owned());
    }
    let authority = uri.authority().map_or("", |authority| authority.as_str());
    let host_and_port = authority.rsplit('@').next().unwrap_or_default();
    let port = host_and_port.rsplit_once(':').map(|(_, port)| port).filter(|port| !port.ends_with(']'));
    if uri.host().is_none_or(str::is_empty) || port.is_some_and(|port| port.parse::<u16>().is_err()) {
        return Some("names no host, or a port that there is not; write http://HOST:PORT/PATH".to_owned());
    }
    None
}

impl EndpointConfig {
    /// What is wrong with it, if anything.
    pub(super) fn fault(&self) -> Option<String> {
        let named = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if self.name.is_empty() || self.name.len() > 64 || !self.name.chars().all(named) {
            return Some(format!("`{}` is no name of letters, digits, `-` and `_`", self.name.escape_debug()));
        }
        if let Some(reason) = url_fault(&self.url) {
            return Some(format!("`{}` has a url that {reason}", self.name));
        }
        self.secrets.is_empty().then(|| format!("`{}` has no secret", self.name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_nothing_can_be_posted_to_is_refused() {
        for good in ["http://a", "https://a.example/x?y=1", "http://[::1]:80/", "http://u:p@127.0.0.1:8080/"] {
            assert_eq!(url_fault(good), None, "{good}");
        }
        for bad in [
            "",
            "a",
            "ftp://a/",
            "http://",
            "http://[::1",
            "http://127.0.0.1:99999/",
            "http://a b/",
            "http://:80/",
            "http://a:x/",
        ] {
            assert!(url_fault(bad).is_some(), "{bad}");
        }
    }

    #[test]
    fn secrets_are_checked_and_never_printed() {
        let secret = Secret::parse("whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=").expect("32 bytes");
        assert_eq!(format!("{secret:?}"), "Secret(..)");
        for bad in ["", "whsec_", "whsec_AAEC", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=", "whsec_*"] {
            assert!(Secret::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_config_reads_with_defaults_and_refuses_unknown_fields() {
        let text = r#"{"directory": "/tmp/x", "endpoints": [{"name": "ops", "url": "https://example.org/hook",
            "secrets": ["whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="]}]}"#;
        let config: WebhookConfig = serde_json::from_str(text).expect("reads");
        assert_eq!((config.retry_delays_ms[0], config.endpoints[0].fault()), (5_000, None));
        assert!(serde_json::from_str::<WebhookConfig>(&text.replace("\"url\"", "\"uri\"")).is_err());
        for (name, url) in [("a/b", "https://x"), ("", "https://x"), ("ops", "ftp://x")] {
            let endpoint = EndpointConfig { name: name.into(), url: url.into(), ..config.endpoints[0].clone() };
            assert!(endpoint.fault().is_some());
        }
    }
}
