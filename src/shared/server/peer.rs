//! Who is at the other end of a connection, and with whom they share what they have.

use std::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use axum::extract::FromRequestParts;
use http::request::Parts;

/// Whoever opened the connection of a request.
#[derive(Debug, Clone, Copy)]
pub struct Peer(pub IpAddr);

/// Whoever sent a request, as far as that can be told: those who share a connection to the internet are one. In the
/// extensions of each request that was let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Household {
    /// Its address: one of IPv4, or the first 64 bits of one of IPv6.
    pub address: IpAddr,
    /// The network around it: the first 24 bits of an address of IPv4, the first 48 of one of IPv6. Who rents one of those
    /// has all its households.
    pub network: IpAddr,
}

impl Household {
    /// That of this address.
    #[must_use]
    pub fn of(address: IpAddr) -> Self {
        let address = household(address);
        let network = match address {
            IpAddr::V4(address) => IpAddr::V4(Ipv4Addr::from_bits(address.to_bits() & !0xff)),
            IpAddr::V6(address) => first_of_v6(address, 3),
        };
        Self { address, network }
    }
}

impl<S: Sync> FromRequestParts<S> for Household {
    type Rejection = Infallible;

    /// Who is not known is of one household with all others who are not.
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let unknown = || Self::of(IpAddr::V6(Ipv6Addr::UNSPECIFIED));
        Ok(parts.extensions.get::<Self>().copied().unwrap_or_else(unknown))
    }
}

/// Whoever has one IPv6 address has 2⁶⁴ of them.
pub(super) fn household(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => first_of_v6(address, 4),
        address => address,
    }
}

/// The address with only this many of its eight groups.
fn first_of_v6(address: Ipv6Addr, groups: usize) -> IpAddr {
    let mut segments = address.segments();
    segments[groups..].fill(0);
    IpAddr::V6(Ipv6Addr::from(segments))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn i5_a_household_is_an_address_or_a_prefix_and_a_network_is_what_one_may_rent() {
        for (address, own, network) in [
            ("192.0.2.77", "192.0.2.77", "192.0.2.0"),
            ("::ffff:192.0.2.77", "192.0.2.77", "192.0.2.0"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::", "2001:db8:1::"),
        ] {
            let household = Household::of(address.parse().expect("an address"));
            assert_eq!(
                (household.address.to_string(), household.network.to_string()),
                (own.to_owned(), network.to_owned())
            );
        }
    }
}
