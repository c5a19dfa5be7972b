//! Who may be asked: the allow list, and the only place where names become addresses.
//!
//! A name that no entry names is not even resolved: whoever answers for it would learn what is asked. Of one that is, the
//! *addresses* are checked here, and only they are connected to. So a name that answers with
//! another address the second time, or a redirect, reaches nothing that the list does not have. Addresses that no list can
//! allow ([`is_never_allowed`]) are refused before the list is asked.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;
use std::sync::Arc;

use crate::error::{Error, Result};

/// The hosts that an operator allows. Without entries: loopback addresses only.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AllowedHosts {
    entries: Arc<[Entry]>,
}

/// One entry: what, and at which port.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Entry {
    what: What,
    /// None: at all of them.
    port: Option<u16>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
enum What {
    /// `*`: every host that is not never allowed.
    Every,
    /// `loopback`: addresses of this machine.
    Loopback,
    /// A name in lower case, whatever its address is.
    Name(String),
    /// `*.example.com`: names below it.
    Below(String),
    /// `10.0.0.0/8`: addresses, however they are written or found.
    Net(IpAddr, u8),
}

impl Default for AllowedHosts {
    fn default() -> AllowedHosts {
        AllowedHosts { entries: Arc::new([Entry { what: What::Loopback, port: None }]) }
    }
}

/// An entry of an allow list that is none.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error(
    "\"{0}\" is no entry of a list of hosts: write a name, *.name, an address, address/bits, loopback or *, with :port or without"
)]
pub struct BadEntry(pub String);

impl AllowedHosts {
    /// A list of entries; it takes the place of the default. Entries are names, `*.name`, addresses, `address/bits`,
    /// `loopback` and `*`, each with `:port` or without.
    pub fn parse<'a>(entries: impl IntoIterator<Item = &'a str>) -> std::result::Result<AllowedHosts, BadEntry> {
        let entries = entries.into_iter().map(Entry::parse).collect::<std::result::Result<Vec<_>, _>>()?;
        Ok(AllowedHosts { entries: entries.into() })
    }

    /// True when an entry may have the name at that port, so that its addresses are asked for. Entries that are addresses
    /// name no host but `localhost`, which every machine knows without asking.
    fn name(&self, host: &str, port: u16) -> bool {
        self.entries.iter().any(|entry| {
            let is_named = match &entry.what {
                What::Every => true,
                What::Name(_) | What::Below(_) => entry.what.has(host, IpAddr::V4(Ipv4Addr::UNSPECIFIED)),
                What::Loopback | What::Net(..) => host == "localhost",
            };
            entry.port.is_none_or(|known| known == port) && is_named
        })
    }

    /// True when the entries have the host, of which `address` is one address.
    fn have(&self, host: &str, address: SocketAddr) -> bool {
        self.entries.iter().any(|entry| {
            let at_port = entry.port.is_none_or(|port| port == address.port());
            at_port && entry.what.has(host, address.ip())
        })
    }
}

impl Entry {
    fn parse(text: &str) -> std::result::Result<Entry, BadEntry> {
        let bad = || BadEntry(text.to_owned());
        let text = text.trim();
        // an IPv6 address has colons of its own: only in brackets it can have a port
        let (what, port) = match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            Some((inside, "")) => (inside, None),
            Some((inside, rest)) => (inside, Some(rest.strip_prefix(':').ok_or_else(bad)?)),
            None if text.matches(':').count() == 1 => {
                text.split_once(':').map(|(what, port)| (what, Some(port))).ok_or_else(bad)?
            }
            None => (text, None),
        };
        let port = port.map(u16::from_str).transpose().map_err(|_| bad())?;
        Ok(Entry { what: What::parse(what).ok_or_else(bad)?, port })
    }
}

impl What {
    fn parse(text: &str) -> Option<What> {
        let is_name = |name: &str| {
            !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_'))
        };
        if let Ok(address) = text.parse::<IpAddr>() {
            let address = address.to_canonical();
            return Some(What::Net(address, bits_of(address)));
        }
        if let Some((address, bits)) = text.split_once('/') {
            let (address, bits) = (address.parse::<IpAddr>().ok()?, bits.parse::<u8>().ok()?);
            return (bits <= bits_of(address)).then_some(What::Net(address, bits));
        }
        match text.to_ascii_lowercase().as_str() {
            "*" => Some(What::Every),
            "loopback" => Some(What::Loopback),
            text => match text.strip_prefix("*.") {
                Some(below) => is_name(below).then(|| What::Below(below.to_owned())),
                None => is_name(text).then(|| What::Name(text.to_owned())),
            },
        }
    }

    fn has(&self, host: &str, address: IpAddr) -> bool {
        match self {
            What::Every => true,
            What::Loopback => address.is_loopback(),
            What::Name(name) => host == name,
            What::Below(name) => host.strip_suffix(name.as_str()).is_some_and(|rest| rest.ends_with('.')),
            What::Net(net, bits) => is_within(address, *net, *bits),
        }
    }
}

fn bits_of(address: IpAddr) -> u8 {
    if address.is_ipv4() { 32 } else { 128 }
}

/// True when the first `bits` bits are equal, of addresses of one family.
fn is_within(address: IpAddr, net: IpAddr, bits: u8) -> bool {
    match (address, net) {
        (IpAddr::V4(address), IpAddr::V4(net)) => {
            let apart = address.to_bits() ^ net.to_bits();
            apart.checked_shr(32 - u32::from(bits.min(32))).unwrap_or(0) == 0
        }
        (IpAddr::V6(address), IpAddr::V6(net)) => {
            let apart = address.to_bits() ^ net.to_bits();
            apart.checked_shr(128 - u32::from(bits.min(128))).unwrap_or(0) == 0
        }
        _ => false,
    }
}

/// The IPv4 address that an IPv6 address stands for: mapped, compatible, NAT64 or 6to4.
fn embedded_v4(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let segments = address.segments();
    let low = |high: u16, low: u16| Ipv4Addr::from((u32::from(high) << 16) | u32::from(low));
    match segments {
        [0, 0, 0, 0, 0, 0xffff, a, b] | [0x64, 0xff9b, 0, 0, 0, 0, a, b] => Some(low(a, b)),
        [0, 0, 0, 0, 0, 0, a, b] if a != 0 => Some(low(a, b)),
        [0x2002, a, b, ..] => Some(low(a, b)),
        _ => None,
    }
}

/// Addresses that are never asked: link-local ones, those where clouds answer whoever asks with credentials, and those that
/// mean no one host.
pub fn is_never_allowed(address: IpAddr) -> bool {
    /// Where Alibaba, Azure and Oracle answer, besides 169.254.169.254.
    const METADATA_V4: [Ipv4Addr; 3] =
        [Ipv4Addr::new(100, 100, 100, 200), Ipv4Addr::new(168, 63, 129, 16), Ipv4Addr::new(192, 0, 0, 192)];
    /// Where Amazon and Google answer.
    const METADATA_V6: [Ipv6Addr; 2] =
        [Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254), Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254)];
    match address {
        IpAddr::V4(v4) => {
            // 0.0.0.0/8 is "this host" to many systems
            v4.octets()[0] == 0
                || v4.is_link_local()
                || v4.is_multicast()
                || v4.is_broadcast()
                || METADATA_V4.contains(&v4)
        }
        IpAddr::V6(v6) => {
            v6.is_unspecified()
                || v6.is_unicast_link_local()
                || v6.is_multicast()
                || METADATA_V6.contains(&v6)
                || embedded_v4(v6).is_some_and(|v4| is_never_allowed(IpAddr::V4(v4)))
        }
    }
}

/// A name as entries have it.
fn canonical(host: &str) -> String {
    host.trim_end_matches('.').to_ascii_lowercase()
}

/// Resolves names and holds the addresses against the allow list.
#[derive(Clone, Debug, Default)]
pub struct Hosts {
    allowed: AllowedHosts,
}

impl Hosts {
    /// Hosts of an allow list.
    pub fn new(allowed: AllowedHosts) -> Hosts {
        Hosts { allowed }
    }

    /// The addresses that may be connected to for this host and port: those that the list has, of those that the name
    /// resolves to; names that it cannot have are not resolved. Connect to one of these and to nothing else. At least one.
    pub async fn resolve(&self, host: &str, port: u16) -> Result<Vec<SocketAddr>> {
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let found: Vec<SocketAddr> = match host.parse::<IpAddr>() {
            Ok(address) => vec![SocketAddr::new(address, port)],
            Err(_) if !self.allowed.name(&canonical(host), port) => {
                return Err(Error::HostNotAllowed { host: host.to_owned() });
            }
            Err(_) => {
                let unresolved = |reason: String| Error::Unresolved { host: host.to_owned(), reason };
                let found = tokio::net::lookup_host((host, port)).await;
                found.map_err(|error| unresolved(error.to_string()))?.collect()
            }
        };
        self.check(host, &found)
    }

    /// The addresses of a host that may be connected to; an error when that is none of them.
    pub fn check(&self, host: &str, found: &[SocketAddr]) -> Result<Vec<SocketAddr>> {
        let host = canonical(host);
        if found.is_empty() {
            return Err(Error::Unresolved { host, reason: "it has no address".to_owned() });
        }
        if found.iter().all(|address| is_never_allowed(address.ip())) {
            return Err(Error::HostNeverAllowed { host });
        }
        let plain = |address: &SocketAddr| SocketAddr::new(address.ip().to_canonical(), address.port());
        let may = |address: &SocketAddr| !is_never_allowed(address.ip()) && self.allowed.have(&host, *address);
        let usable: Vec<SocketAddr> = found.iter().map(plain).filter(may).collect();
        if usable.is_empty() { Err(Error::HostNotAllowed { host }) } else { Ok(usable) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(entries: &[&str], host: &str, address: &str) -> Result<Vec<SocketAddr>> {
        let hosts = Hosts::new(AllowedHosts::parse(entries.iter().copied()).unwrap());
        hosts.check(host, &[address.parse().unwrap()])
    }

    fn is_allowed(entries: &[&str], host: &str, address: &str) -> bool {
        checked(entries, host, address).is_ok()
    }

    #[test]
    fn without_a_list_only_this_machine_is_asked() {
        let hosts = Hosts::default();
        let check = |host: &str, address: &str| hosts.check(host, &[address.parse().unwrap()]).is_ok();
        assert!(check("localhost", "127.0.0.1:80") && check("anything", "[::1]:80"));
        assert!(check("mapped", "[::ffff:127.0.0.1]:80"));
        assert!(!check("localhost", "192.0.2.1:80") && !check("10.0.0.1", "10.0.0.1:80"));
    }

    #[test]
    fn entries_are_names_parts_of_names_addresses_and_nets() {
        assert!(is_allowed(&["db.example.com"], "DB.example.com.", "10.1.2.3:5432"));
        assert!(!is_allowed(&["db.example.com"], "evil-db.example.com", "10.1.2.3:5432"));
        assert!(is_allowed(&["*.example.com"], "a.b.example.com", "10.1.2.3:5432"));
        assert!(!is_allowed(&["*.example.com"], "notexample.com", "10.1.2.3:5432"));
        assert!(!is_allowed(&["*.example.com"], "example.com", "10.1.2.3:5432"));
        assert!(is_allowed(&["10.0.0.0/8"], "whatever", "10.200.0.1:1"));
        assert!(!is_allowed(&["10.0.0.0/8"], "whatever", "11.0.0.1:1"));
        assert!(is_allowed(&["2001:db8::/32"], "whatever", "[2001:db8::5]:1"));
        assert!(is_allowed(&["0.0.0.0/0"], "whatever", "8.8.8.8:1"));
    }

    #[test]
    fn an_entry_with_a_port_is_for_that_port() {
        assert!(is_allowed(&["db:5432"], "db", "10.0.0.1:5432"));
        assert!(!is_allowed(&["db:5432"], "db", "10.0.0.1:22"));
        assert!(is_allowed(&["[2001:db8::1]:80"], "x", "[2001:db8::1]:80"));
        assert!(!is_allowed(&["loopback:9000"], "localhost", "127.0.0.1:22"));
    }

    #[test]
    fn link_local_and_metadata_addresses_are_refused_although_listed() {
        let all = ["*", "0.0.0.0/0", "::/0", "metadata"];
        let never = [
            "169.254.169.254:80",
            "169.254.0.1:80",
            "[fe80::1]:80",
            "[fd00:ec2::254]:80",
            "100.100.100.200:80",
            "[::ffff:169.254.169.254]:80",
            "[64:ff9b::a9fe:a9fe]:80",
            "[2002:a9fe:a9fe::1]:80",
            "[::169.254.169.254]:80",
            "0.0.0.0:80",
            "[::]:80",
            "224.0.0.1:80",
            "[ff02::1]:80",
        ];
        for address in never {
            let refused = checked(&all, "metadata", address);
            assert!(matches!(refused, Err(Error::HostNeverAllowed { .. })), "{address}: {refused:?}");
        }
        assert!(is_allowed(&all, "x", "93.184.216.34:80"));
    }

    #[test]
    fn only_the_allowed_addresses_of_a_name_are_connected_to() {
        let hosts = Hosts::new(AllowedHosts::parse(["*"]).unwrap());
        let found = ["169.254.169.254:80".parse().unwrap(), "93.184.216.34:80".parse().unwrap()];
        assert_eq!(hosts.check("both", &found).unwrap(), [found[1]]);
    }

    #[test]
    fn what_is_no_entry_is_refused() {
        for text in ["", "a b", "10.0.0.0/33", "host:port", "http://x", "*.", "a:1:2:z", "[::1"] {
            assert!(AllowedHosts::parse([text]).is_err(), "{text}");
        }
    }

    #[tokio::test]
    async fn literal_addresses_are_resolved_without_asking_anyone() {
        let hosts = Hosts::default();
        assert_eq!(hosts.resolve("[::1]", 80).await.unwrap(), ["[::1]:80".parse().unwrap()]);
        assert!(matches!(hosts.resolve("169.254.169.254", 80).await, Err(Error::HostNeverAllowed { .. })));
        // the resolver of the system would read it as 127.0.0.1
        assert!(matches!(hosts.resolve("2130706433", 80).await, Err(Error::HostNotAllowed { .. })));
    }

    #[tokio::test]
    async fn names_that_no_entry_names_are_not_resolved() {
        let hosts = |entries: &[&str]| Hosts::new(AllowedHosts::parse(entries.iter().copied()).unwrap());
        let not_asked = [
            (vec!["loopback"], "told.nowhere.invalid"),
            (vec!["0.0.0.0/0", "::/0"], "told.nowhere.invalid"),
            (vec!["*.example.invalid"], "told.nowhere.invalid"),
            (vec!["told.nowhere.invalid:81"], "told.nowhere.invalid"),
        ];
        for (entries, name) in not_asked {
            let refused = hosts(&entries).resolve(name, 80).await;
            assert!(matches!(refused, Err(Error::HostNotAllowed { .. })), "{entries:?}: {refused:?}");
        }
        for entry in ["*", "*.nowhere.invalid", "TOLD.nowhere.invalid", "told.nowhere.invalid:80"] {
            let asked = hosts(&[entry]).resolve("told.nowhere.invalid.", 80).await;
            assert!(matches!(asked, Err(Error::Unresolved { .. })), "{entry}: {asked:?}");
        }
        for entry in ["127.0.0.1", "loopback:80", "127.0.0.0/8"] {
            assert!(hosts(&[entry]).resolve("localhost", 80).await.is_ok(), "{entry}");
        }
    }
}
