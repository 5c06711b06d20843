//! Which names this server answers to.
//!
//! A page of somebody else's can make a browser ask any address under a name of its own (DNS rebinding) and read the
//! answer as if it came from its own site. The browser still sends that name in `Host`, so a server that answers only to
//! names nobody outside can own cannot be read that way.

use axum::http::header::{self, HeaderMap};
use axum::http::{Method, Uri, Version};
use std::net::{IpAddr, SocketAddr};

/// Ends of names that no registry gives away, so that a name under them never leads here from outside.
const PRIVATE_ENDS: [&str; 5] = ["localhost", "local", "internal", "svc", "home.arpa"];

/// The names that are answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hosts {
    /// Whether only this machine can connect.
    loopback: bool,
    /// Names that were allowed, in lower case; `.example.org` stands for every name below.
    allowed: Vec<String>,
    any: bool,
}

/// An allowed name that is none.
#[derive(Debug, thiserror::Error)]
#[error(
    "`{0}` is no host name; write it without scheme and port, such as `metrics.example.org`, `*.example.org` or `*`"
)]
pub struct BadHost(String);

/// Why a request is not answered under its host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// There is no host, or more than one, or it is malformed.
    Malformed(&'static str),
    /// It is another one's name.
    Foreign(String),
    /// A page of another site wants to change something.
    Origin(String),
}

impl Hosts {
    /// What a server listening on `listen` answers to: on loopback `localhost` and loopback addresses, elsewhere every
    /// address and every name that cannot be registered; and in both cases the names in `allowed`. There `*.example.org`
    /// allows all names below one, and `*` all names there are.
    pub fn new(listen: SocketAddr, allowed: &[String]) -> Result<Self, BadHost> {
        let mut hosts = Self { loopback: listen.ip().to_canonical().is_loopback(), allowed: Vec::new(), any: false };
        for name in allowed {
            let lower = name.trim().to_ascii_lowercase();
            if lower == "*" {
                hosts.any = true;
                continue;
            }
            let lower = lower.strip_suffix('.').unwrap_or(&lower).to_owned();
            let bare = lower.strip_prefix("*.").unwrap_or(&lower);
            let address = bare.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
            if let Ok(address) = address {
                hosts.allowed.push(address.to_string());
            } else if is_name(bare) {
                hosts.allowed.push(lower.strip_prefix('*').unwrap_or(&lower).to_owned());
            } else {
                return Err(BadHost(name.clone()));
            }
        }
        Ok(hosts)
    }

    /// Whether a request may be answered, by its target, version and headers.
    pub(crate) fn check(
        &self,
        method: &Method,
        uri: &Uri,
        version: Version,
        headers: &HeaderMap,
    ) -> Result<(), Refusal> {
        let mut named = headers.get_all(header::HOST).iter();
        match (named.next(), named.next()) {
            (Some(_), Some(_)) => return Err(Refusal::Malformed("it names its host twice")),
            (Some(host), None) => {
                let host = host.to_str().map_err(|_| Refusal::Malformed("its `Host` is no text"))?;
                self.check_authority(host)?;
            }
            // Only clients older than browsers leave it out, and HTTP/1.0 lets them.
            (None, _) if version >= Version::HTTP_11 => return Err(Refusal::Malformed("it names no host")),
            (None, _) => {}
        }
        // A target in absolute form outranks `Host`, so it must be a name of ours as well.
        if let Some(authority) = uri.authority() {
            self.check_authority(authority.as_str())?;
        }
        let safe = [Method::GET, Method::HEAD, Method::OPTIONS].contains(method);
        match headers.get(header::ORIGIN) {
            Some(origin) if !safe => self.check_origin(origin.to_str().unwrap_or_default()),
            _ => Ok(()),
        }
    }

    fn check_authority(&self, authority: &str) -> Result<(), Refusal> {
        let host = host_of(authority).ok_or(Refusal::Malformed("its host is not `NAME` or `NAME:PORT`"))?;
        if self.answers(&host) { Ok(()) } else { Err(Refusal::Foreign(host)) }
    }

    fn check_origin(&self, origin: &str) -> Result<(), Refusal> {
        let authority = origin.split_once("://").map(|(_, authority)| authority);
        let ours = authority.and_then(host_of).is_some_and(|host| self.answers(&host));
        if ours { Ok(()) } else { Err(Refusal::Origin(origin.to_owned())) }
    }

    /// Whether `host`, in lower case and without port, is a name of ours.
    fn answers(&self, host: &str) -> bool {
        let listed = |allowed: &String| {
            allowed == host
                || (allowed.starts_with('.') && host.ends_with(allowed.as_str()) && host.len() > allowed.len())
        };
        if self.any || self.allowed.iter().any(listed) {
            return true;
        }
        if let Ok(address) = host.parse::<IpAddr>() {
            return !self.loopback || address.to_canonical().is_loopback();
        }
        let under = |end: &str| host.strip_suffix(end).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
        if self.loopback {
            return under("localhost");
        }
        // A name of one word is found by the search list of a network, never from outside it.
        !host.contains('.') || PRIVATE_ENDS.iter().any(|end| under(end))
    }
}

fn is_name(text: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    };
    text.len() <= 253 && text.split('.').all(label)
}

/// The host of `NAME`, `NAME:PORT`, `ADDRESS:PORT` or `[ADDRESS]:PORT`, in lower case; an address without brackets.
fn host_of(authority: &str) -> Option<String> {
    let port = |text: &str| text.is_empty() || text.strip_prefix(':').is_some_and(|port| port.parse::<u16>().is_ok());
    if let Some(rest) = authority.strip_prefix('[') {
        let (address, after) = rest.split_once(']')?;
        let address = address.parse::<std::net::Ipv6Addr>().ok()?;
        return port(after).then(|| address.to_string());
    }
    let end = authority.find(':').unwrap_or(authority.len());
    let name = authority[..end].strip_suffix('.').unwrap_or(&authority[..end]);
    (is_name(name) && port(&authority[end..])).then(|| name.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hosts(listen: &str, allowed: &[&str]) -> Hosts {
        let allowed: Vec<String> = allowed.iter().map(|name| (*name).to_owned()).collect();
        Hosts::new(listen.parse().expect("an address"), &allowed).expect("names")
    }

    fn get(hosts: &Hosts, target: &str, host: &[&str]) -> Result<(), Refusal> {
        let mut headers = HeaderMap::new();
        for value in host {
            headers.append(header::HOST, value.parse().expect("a header"));
        }
        hosts.check(&Method::GET, &target.parse().expect("a target"), Version::HTTP_11, &headers)
    }

    #[test]
    fn a_loopback_listener_answers_to_this_machine_alone() {
        let hosts = hosts("127.0.0.1:7070", &["Metrics.Example.org", "*.intern.example"]);
        for ours in [
            "localhost",
            "LOCALHOST:1",
            "localhost.:80",
            "127.0.0.1:7070",
            "127.9.9.9",
            "[::1]:7070",
            "[::ffff:127.0.0.1]",
            "app.localhost",
            "metrics.example.org:443",
            "a.b.intern.example",
        ] {
            assert_eq!(get(&hosts, "/", &[ours]), Ok(()), "{ours}");
        }
        for foreign in [
            "evil.example.com",
            "evil.example.com:7070",
            "10.0.0.1",
            "[2001:db8::1]",
            "localhost.evil.example",
            "driftline",
            "notlocalhost",
            "intern.example",
            "metrics.example.org.evil.example",
            "printer.local",
        ] {
            assert!(matches!(get(&hosts, "/", &[foreign]), Err(Refusal::Foreign(_))), "{foreign}");
        }
    }

    #[test]
    fn another_listener_answers_to_addresses_and_private_names() {
        let hosts = hosts("0.0.0.0:7070", &[]);
        for ours in [
            "10.0.0.1:7070",
            "[2001:db8::1]:80",
            "driftline:7070",
            "driftline.monitoring.svc.cluster.local",
            "x.svc",
            "build.internal",
            "localhost",
            "nas.home.arpa",
        ] {
            assert_eq!(get(&hosts, "/", &[ours]), Ok(()), "{ours}");
        }
        for foreign in ["evil.example.com", "localhost.evil.example", "evilsvc.com", "a.evilinternal"] {
            assert!(matches!(get(&hosts, "/", &[foreign]), Err(Refusal::Foreign(_))), "{foreign}");
        }
        let any = super::tests::hosts("0.0.0.0:7070", &["*"]);
        assert_eq!(get(&any, "/", &["evil.example.com"]), Ok(()));
    }

    #[test]
    fn the_target_and_every_host_header_count() {
        let hosts = hosts("[::1]:7070", &[]);
        assert_eq!(get(&hosts, "http://localhost:7070/v1/repos", &["localhost"]), Ok(()));
        let foreign = Err(Refusal::Foreign("evil.example.com".to_owned()));
        assert_eq!(get(&hosts, "http://evil.example.com/v1/repos", &["localhost"]), foreign);
        assert_eq!(get(&hosts, "http://localhost/v1/repos", &["evil.example.com"]), foreign);
        for bad in [
            &["localhost", "localhost"][..],
            &[],
            &[""],
            &["a b"],
            &["u@localhost"],
            &["localhost:99999"],
            &["[::1"],
            &[":80"],
        ] {
            assert!(matches!(get(&hosts, "/", bad), Err(Refusal::Malformed(_))), "{bad:?}");
        }
        let old = hosts.check(&Method::GET, &Uri::from_static("/"), Version::HTTP_10, &HeaderMap::new());
        assert_eq!(old, Ok(()));
    }

    #[test]
    fn a_change_asked_for_by_another_site_is_refused() {
        let hosts = hosts("127.0.0.1:7070", &[]);
        let post = |origin: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, "localhost".parse().expect("a header"));
            headers.insert(header::ORIGIN, origin.parse().expect("a header"));
            hosts.check(&Method::POST, &Uri::from_static("/"), Version::HTTP_11, &headers)
        };
        assert_eq!(post("http://localhost:7070"), Ok(()));
        for origin in ["https://evil.example.com", "null", "http://localhost.evil.example"] {
            assert_eq!(post(origin), Err(Refusal::Origin(origin.to_owned())));
        }
    }

    #[test]
    fn what_is_allowed_must_be_a_name() {
        for bad in ["", "http://a", "a:80", "a b", "*.", "*a.example", "a/b"] {
            assert!(Hosts::new("127.0.0.1:1".parse().expect("an address"), &[bad.to_owned()]).is_err(), "{bad}");
        }
    }
}
