//! Where outgoing calls may go: https to public addresses, and whatever is configured.
//!
//! Hosts come from the configuration, from checked shop domains, and from answers (results of bulk operations, media). A
//! name among the last that leads into a private network would make this service ask what only it can reach.

use std::collections::HashSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

/// The configured addresses, which may be of this machine or of a private network. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct AllowedAddresses(Arc<HashSet<(String, u16)>>);

/// Why an address is not asked.
pub const REFUSED: &str = "the address is not public";

impl AllowedAddresses {
    /// Public addresses, and the hosts and ports of these.
    #[must_use]
    pub fn new<'a>(configured: impl IntoIterator<Item = &'a Url>) -> Self {
        Self(Arc::new(configured.into_iter().filter_map(origin).collect()))
    }

    /// Whether this address may be asked, as far as it can be told before its name is resolved.
    #[must_use]
    pub fn allows(&self, url: &Url) -> bool {
        if origin(url).is_some_and(|origin| self.0.contains(&origin)) {
            return true;
        }
        let public = match url.host() {
            Some(Host::Domain(name)) => !name.is_empty() && name != "localhost" && !name.ends_with(".localhost"),
            Some(Host::Ipv4(address)) => is_public(address.into()),
            Some(Host::Ipv6(address)) => is_public(address.into()),
            None => false,
        };
        public && url.scheme() == "https" && url.username().is_empty() && url.password().is_none()
    }
}

fn origin(url: &Url) -> Option<(String, u16)> {
    Some((url.host_str()?.to_ascii_lowercase(), url.port_or_known_default()?))
}

/// Resolves names as the system does, and drops what is not public unless the name was configured. It is asked for every
/// connection, so a name that changes its mind in between gains nothing.
impl Resolve for AllowedAddresses {
    fn resolve(&self, name: Name) -> Resolving {
        let configured = self.0.iter().any(|(host, _)| host == name.as_str());
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            let usable: Vec<SocketAddr> =
                found.into_iter().filter(|address| configured || is_public(address.ip())).collect();
            if usable.is_empty() {
                return Err(REFUSED.into());
            }
            Ok(Box::new(usable.into_iter()) as Addrs)
        })
    }
}

/// Whether an address is one of the public internet.
/// Source: <https://www.iana.org/assignments/iana-ipv4-special-registry> and its counterpart for IPv6.
#[must_use]
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let special = address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_documentation()
        || address.is_multicast()
        || address.is_broadcast();
    // "This network", shared addresses of carriers, protocol assignments, benchmarks, reserved.
    let more = match address.octets() {
        [0, ..] | [192, 0, 0, _] | [198, 18..=19, ..] | [240..=255, ..] => true,
        [100, second, ..] => (64..128).contains(&second),
        _ => false,
    };
    !special && !more
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    if let Some(inside) = address.to_ipv4_mapped() {
        return is_public_v4(inside);
    }
    let segments = address.segments();
    let inside = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        is_public_v4(Ipv4Addr::new(a, b, c, d))
    };
    match segments {
        // Translated and tunnelled addresses hold one of version 4.
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] | [0x2002, high, low, ..] => inside(high, low),
        [0x2001, 0xdb8, ..] | [0x2001, 0, ..] => false,
        // Global unicast is 2000::/3.
        [first, ..] => (0x2000..0x4000).contains(&first),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allows(allowed: &AllowedAddresses, address: &str) -> bool {
        allowed.allows(&Url::parse(address).unwrap())
    }

    #[test]
    fn n2_addresses_of_this_machine_and_of_private_networks_are_not_public() {
        for private in [
            "127.0.0.1",
            "127.1.2.3",
            "10.0.0.1",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "169.254.169.254",
            "0.0.0.0",
            "100.64.0.1",
            "100.127.0.1",
            "192.0.0.1",
            "198.18.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "240.0.0.1",
            "::",
            "::1",
            "fe80::1",
            "fc00::1",
            "fd12::1",
            "ff02::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "64:ff9b::a00:1",
            "2002:7f00:1::",
            "2001:db8::1",
            "::127.0.0.1",
        ] {
            assert!(!is_public(private.parse().unwrap()), "{private}");
        }
        for public in ["8.8.8.8", "172.32.0.1", "100.128.0.1", "192.169.0.1", "2606:4700::1111", "::ffff:8.8.8.8"] {
            assert!(is_public(public.parse().unwrap()), "{public}");
        }
    }

    #[test]
    fn n1_n2_only_https_to_public_hosts_and_what_is_configured_may_be_asked() {
        let base = Url::parse("http://127.0.0.1:4000/{shop}").unwrap();
        let allowed = AllowedAddresses::new([&base]);
        for good in ["https://graph.facebook.com/v26.0/me", "http://127.0.0.1:4000/x", "https://8.8.8.8/"] {
            assert!(allows(&allowed, good), "{good}");
        }
        for bad in [
            "http://graph.facebook.com/",
            "http://127.0.0.1:4001/",
            "https://127.0.0.1/",
            "https://localhost/",
            "https://a.localhost/",
            "https://[::1]/",
            "https://2130706433/",
            "https://0x7f.1/",
            "https://169.254.169.254/",
            "https://u:p@graph.facebook.com/",
            "ftp://graph.facebook.com/",
            "https://[::ffff:10.0.0.1]/",
        ] {
            assert!(!allows(&allowed, bad), "{bad}");
        }
        assert!(!allows(&AllowedAddresses::default(), "http://127.0.0.1:4000/x"));
    }

    #[tokio::test]
    async fn n2_a_name_that_leads_to_this_machine_is_refused_unless_it_was_configured() {
        let name = || "localhost".parse::<Name>().unwrap();
        assert!(AllowedAddresses::default().resolve(name()).await.is_err());
        let configured = AllowedAddresses::new([&Url::parse("http://localhost:1").unwrap()]);
        assert!(configured.resolve(name()).await.unwrap().next().is_some());
    }
}
