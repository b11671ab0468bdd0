//! Who is at the other end of a connection.

use std::net::IpAddr;

/// Whoever opened the connection of a request.
#[derive(Debug, Clone, Copy)]
pub struct Peer(pub IpAddr);
