//! Who asks, when a proxy stands between: `X-Forwarded-For` is believed where it comes from a proxy that is configured.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

use http::HeaderMap;

/// The addresses of proxies that are believed. None by default.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Proxies(Vec<Network>);

/// An address, or all that begin with the same bits: `10.0.0.0/8`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Network {
    address: IpAddr,
    bits: u32,
}

impl Proxies {
    /// Who asks, when `peer` opened the connection: read from the end, the first address that is no proxy of ours. What
    /// stands before it was written by strangers.
    #[must_use]
    pub fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let mut client = peer;
        if !self.is_trusted(client) {
            return client;
        }
        let values: Vec<&str> =
            headers.get_all("x-forwarded-for").iter().filter_map(|value| value.to_str().ok()).collect();
        for hop in values.iter().flat_map(|value| value.split(',')).rev() {
            let Some(hop) = parse_hop(hop.trim()) else { break };
            client = hop.to_canonical();
            if !self.is_trusted(client) {
                break;
            }
        }
        client
    }

    fn is_trusted(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(address))
    }
}

/// One address of the list: some proxies write the port behind it, or an IPv6 address in brackets.
fn parse_hop(hop: &str) -> Option<IpAddr> {
    let in_brackets = || hop.strip_prefix('[')?.strip_suffix(']')?.parse::<Ipv6Addr>().ok().map(IpAddr::from);
    hop.parse().ok().or_else(|| hop.parse::<SocketAddr>().ok().map(|hop| hop.ip())).or_else(in_brackets)
}

impl FromStr for Proxies {
    type Err = ();

    /// Reads addresses and networks with commas between them, or `none`.
    fn from_str(text: &str) -> Result<Self, ()> {
        match text {
            "none" => Ok(Self::default()),
            _ => text.split(',').map(|network| network.trim().parse()).collect::<Result<_, _>>().map(Self),
        }
    }
}

impl FromStr for Network {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (address, bits) = text.split_once('/').map_or((text, None), |(address, bits)| (address, Some(bits)));
        let address: IpAddr = address.parse().map_err(|_| ())?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let bits = bits.map_or(Ok(most), |bits| bits.parse().map_err(|_| ()))?;
        if bits <= most { Ok(Self { address, bits }) } else { Err(()) }
    }
}

impl Network {
    fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address) {
            (IpAddr::V4(ours), IpAddr::V4(theirs)) => (ours.to_bits() ^ theirs.to_bits()).leading_zeros() >= self.bits,
            (IpAddr::V6(ours), IpAddr::V6(theirs)) => (ours.to_bits() ^ theirs.to_bits()).leading_zeros() >= self.bits,
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(proxies: &str, peer: &str, forwarded: &[&str]) -> String {
        let proxies: Proxies = proxies.parse().unwrap();
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append("x-forwarded-for", value.parse().unwrap());
        }
        proxies.client(peer.parse().unwrap(), &headers).to_string()
    }

    #[test]
    fn i5_forwarded_addresses_count_only_from_configured_proxies() {
        assert_eq!(client("none", "127.0.0.1", &["192.0.2.1"]), "127.0.0.1");
        assert_eq!(client("127.0.0.1", "127.0.0.1", &["192.0.2.1"]), "192.0.2.1");
        assert_eq!(client("127.0.0.1", "192.0.2.9", &["192.0.2.1"]), "192.0.2.9");
        // What a stranger wrote before the proxy's own entry is not believed.
        assert_eq!(client("127.0.0.1", "127.0.0.1", &["198.51.100.7, 192.0.2.1"]), "192.0.2.1");
        assert_eq!(client("127.0.0.1", "127.0.0.1", &["198.51.100.7", "192.0.2.1"]), "192.0.2.1");
        assert_eq!(client("127.0.0.0/8, 10.0.0.0/8", "127.0.0.1", &["192.0.2.1, 10.1.2.3"]), "192.0.2.1");
        assert_eq!(client("127.0.0.1", "127.0.0.1", &["nonsense"]), "127.0.0.1");
        for (written, read) in [
            ("192.0.2.1:4711", "192.0.2.1"),
            ("[2001:db9::1]", "2001:db9::1"),
            ("[2001:db9::1]:4711", "2001:db9::1"),
            ("[192.0.2.1]", "127.0.0.1"),
            ("192.0.2.1:", "127.0.0.1"),
        ] {
            assert_eq!(client("127.0.0.1", "127.0.0.1", &[written]), read, "{written}");
        }
        assert_eq!(client("127.0.0.1", "127.0.0.1", &[]), "127.0.0.1");
        assert_eq!(client("2001:db8::/32", "2001:db8:1::1", &["2001:db9::1"]), "2001:db9::1");
        assert_eq!(client("0.0.0.0/0", "192.0.2.9", &["192.0.2.1"]), "192.0.2.1");
    }

    #[test]
    fn what_is_no_address_is_no_proxy() {
        for bad in ["", "localhost", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/-1", "1.2.3.4,", "::1/129"] {
            assert!(bad.parse::<Proxies>().is_err(), "{bad}");
        }
    }
}
