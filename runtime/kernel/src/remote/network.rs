//! To which addresses the node sends: public ones, unless the operator wants others too.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use reqwest::Url;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// To which addresses the node sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Networks {
    /// Those that belong to the internet.
    Public,
    /// All: also this machine, and those beside it.
    Any,
}

impl Networks {
    /// Whether something may be sent there, as far as the URL says. Names are looked at when they are
    /// resolved.
    pub(crate) fn allow(self, url: &Url) -> bool {
        let is_http = matches!(url.scheme(), "http" | "https");
        let no_credentials = url.username().is_empty() && url.password().is_none();
        let host = url.host_str().unwrap_or_default();
        let literal = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
        let allowed = literal.map_or(!host.is_empty(), |address| self.allows(address));
        is_http && no_credentials && allowed
    }

    fn allows(self, address: IpAddr) -> bool {
        self == Self::Any || is_public(address)
    }
}

impl Resolve for Networks {
    /// The addresses of a name that may be sent to. The connection is made to these, so that a name
    /// cannot lead elsewhere the second time.
    fn resolve(&self, name: Name) -> Resolving {
        let networks = *self;
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let allowed: Vec<SocketAddr> =
                found.filter(|address| networks.allows(address.ip())).collect();
            if allowed.is_empty() {
                let sentence = format!("{} has no public address", name.as_str());
                return Err(io::Error::new(io::ErrorKind::PermissionDenied, sentence).into());
            }
            Ok(Box::new(allowed.into_iter()) as Addrs)
        })
    }
}

/// Whether an address belongs to the internet. Source: the registries of special-purpose addresses of
/// IANA, RFC 6890.
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => match address.to_ipv4_mapped() {
            Some(address) => is_public_v4(address),
            None => is_public_v6(address),
        },
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let special = match address.octets() {
        [0 | 10 | 127, ..] | [192, 0, 0 | 2, _] | [192, 88, 99, _] => true,
        // Shared by providers, and for measurements.
        [100, second, ..] => second & 0b1100_0000 == 64,
        [198, 18 | 19, ..] => true,
        // Multicast and reserved.
        [first, ..] => first >= 224,
    };
    !special && !address.is_private() && !address.is_link_local() && !address.is_documentation()
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    match address.segments() {
        // Documentation; Teredo and other protocols; 6to4, which hides an IPv4 address.
        [0x2001, 0xdb8 | 0..=0x1ff, ..] | [0x2002, ..] | [0x3fff, ..] => false,
        // The global unicast addresses.
        [first, ..] => first & 0xe000 == 0x2000,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_this_machine_and_its_neighbours_are_not_public() {
        for address in [
            "127.0.0.1",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",
            "224.0.0.1",
            "255.255.255.255",
            "192.0.2.1",
            "::1",
            "::",
            "fe80::1",
            "fd00::1",
            "::ffff:127.0.0.1",
            "64:ff9b::7f00:1",
            "2002:7f00:1::",
            "2001:db8::1",
        ] {
            assert!(!is_public(address.parse().unwrap()), "{address}");
        }
        for address in ["1.1.1.1", "172.32.0.1", "100.128.0.1", "2606:4700::1111"] {
            assert!(is_public(address.parse().unwrap()), "{address}");
        }
    }

    #[test]
    fn a_url_names_an_address_in_many_ways() {
        let allows = |url: &str| Networks::Public.allow(&url.parse().unwrap());
        for url in [
            "http://127.0.0.1:1",
            "http://2130706433/",
            "http://0x7f.1/",
            "http://[::1]/",
            "http://[::ffff:10.0.0.1]/",
            "http://me:secret@example.org",
            "ftp://example.org",
        ] {
            assert!(!allows(url), "{url}");
        }
        assert!(allows("https://example.org:8734/a"));
        assert!(Networks::Any.allow(&"http://127.0.0.1:1".parse().unwrap()));
    }
}
