//! An IP network in CIDR notation, such as 10.244.0.0/16: parsed strictly, compared by containment.
//!
//! Strict: an address with host bits set is refused as a network, because "10.244.0.1/16" in an option is more often a
//! bridge's address than a network, and a wrong network here decides which routes and rules are deleted.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use anyhow::{Context as _, Result, bail};

/// A network: an address whose host bits are zero, and the length of its prefix in bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cidr {
    address: IpAddr,
    prefix: u8,
}

impl Cidr {
    /// The network that `address` with `prefix` bits lies in; host bits are cleared. Longer prefixes than the family
    /// has bits are refused.
    pub fn around(address: IpAddr, prefix: u8) -> Result<Self> {
        let bits = width(address);
        if prefix > bits {
            bail!("a prefix of {prefix} bits is longer than the {bits} bits of {address}");
        }
        Ok(Self { address: masked(address, prefix), prefix })
    }

    /// The network's first address.
    pub fn address(&self) -> IpAddr {
        self.address
    }

    /// The length of the prefix in bits.
    pub fn prefix(&self) -> u8 {
        self.prefix
    }

    /// Whether `address` lies in this network; never for an address of the other family.
    pub fn contains(&self, address: IpAddr) -> bool {
        self.address.is_ipv4() == address.is_ipv4() && masked(address, self.prefix) == self.address
    }

    /// Whether all of `other` lies in this network (a network contains itself).
    pub fn contains_network(&self, other: &Self) -> bool {
        other.prefix >= self.prefix && self.contains(other.address)
    }
}

impl FromStr for Cidr {
    type Err = anyhow::Error;

    /// `ADDRESS/PREFIX`; a bare address is a network of one address, as iptables and iproute2 print it.
    fn from_str(text: &str) -> Result<Self> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let address: IpAddr =
            address.parse().with_context(|| format!("{text:?} is not a network like 10.244.0.0/16"))?;
        let prefix = match prefix {
            // "+16" and "016" are accepted by u8::from_str, and are typing mistakes.
            Some(digits)
                if digits.bytes().all(|b| b.is_ascii_digit()) && (digits == "0" || !digits.starts_with('0')) =>
            {
                digits.parse().with_context(|| format!("{text:?} is not a network like 10.244.0.0/16"))?
            }
            Some(_) => bail!("{text:?} is not a network like 10.244.0.0/16"),
            None => width(address),
        };
        let network = Self::around(address, prefix)?;
        if network.address != address {
            bail!("{text} has bits set behind its prefix: the network is {network}");
        }
        Ok(network)
    }
}

impl fmt::Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

fn width(address: IpAddr) -> u8 {
    if address.is_ipv4() { 32 } else { 128 }
}

fn masked(address: IpAddr, prefix: u8) -> IpAddr {
    match address {
        IpAddr::V4(a) => {
            let mask = u32::MAX.checked_shl(32 - u32::from(prefix.min(32))).unwrap_or(0);
            Ipv4Addr::from(u32::from(a) & mask).into()
        }
        IpAddr::V6(a) => {
            let mask = u128::MAX.checked_shl(128 - u32::from(prefix.min(128))).unwrap_or(0);
            Ipv6Addr::from(u128::from(a) & mask).into()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contains_its_own_addresses_and_subnets_only() {
        let pods: Cidr = "10.244.0.0/16".parse().unwrap();
        assert!(pods.contains("10.244.255.1".parse().unwrap()));
        assert!(!pods.contains("10.245.0.1".parse().unwrap()));
        assert!(!pods.contains("::ffff:10.244.0.1".parse().unwrap()));
        assert!(pods.contains_network(&"10.244.3.0/24".parse().unwrap()));
        assert!(pods.contains_network(&pods));
        assert!(!pods.contains_network(&"10.0.0.0/8".parse().unwrap()));
        assert!("0.0.0.0/0".parse::<Cidr>().unwrap().contains_network(&pods));
        assert!("::/0".parse::<Cidr>().unwrap().contains("fd00::1".parse().unwrap()));
    }

    #[test]
    fn refuses_what_is_not_a_network_and_says_what_would_be_right() {
        for wrong in
            ["", "10.244.0.0/33", "10.244/16", "10.244.0.0/", "10.244.0.0/+8", "10.244.0.0/016", "fd00::/129", "pods"]
        {
            assert!(wrong.parse::<Cidr>().is_err(), "{wrong}");
        }
        let error = "10.244.0.1/16".parse::<Cidr>().unwrap_err().to_string();
        assert!(error.ends_with("the network is 10.244.0.0/16"), "{error}");
    }
}
