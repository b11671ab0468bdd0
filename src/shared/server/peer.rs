//! Who is at the other end of a connection.

use std::net::IpAddr;

/// Whoever opened the connection of a request.
#[derive(Debug, Clone, Copy)]
pub struct Peer(pub IpAddr);

/// Whoever asks: as a trusted proxy tells it, else whoever opened the connection. Every request has it whose connection is known.
#[derive(Debug, Clone, Copy)]
pub struct Client(pub IpAddr);
