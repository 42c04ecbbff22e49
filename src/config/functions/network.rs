//! Functions of network prefixes: cidrhost, cidrnetmask, cidrsubnet, for IPv4 and IPv6. Nothing here asks
//! the network.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::super::value::Value;
use super::call::{Arguments, Outcome, Problem};

/// A network: the address without its host part, and how many bits belong to the network.
struct Prefix {
    base: u128,
    length: u32,
    /// 32 or 128.
    width: u32,
}

impl Prefix {
    fn read(arguments: &Arguments<'_>, index: usize) -> Result<Prefix, Problem> {
        let text = arguments.text(index)?;
        let wrong = || Problem::Argument(index, "a prefix such as 10.0.0.0/24 is wanted".into());
        let (address, length) = text.split_once('/').ok_or_else(wrong)?;
        let (bits, width) = match address.parse::<IpAddr>().map_err(|_| wrong())? {
            IpAddr::V4(address) => (u128::from(address.to_bits()), 32),
            IpAddr::V6(address) => (address.to_bits(), 128),
        };
        let length = length
            .parse::<u32>()
            .ok()
            .filter(|length| *length <= width)
            .ok_or_else(wrong)?;
        Ok(Prefix {
            base: bits & mask(length, width),
            length,
            width,
        })
    }

    fn host_bits(&self) -> u32 {
        self.width - self.length
    }

    fn address(&self, bits: u128) -> IpAddr {
        // An IPv4 prefix only ever has its lower 32 bits set.
        if self.width == 32 {
            Ipv4Addr::from_bits(bits as u32).into()
        } else {
            Ipv6Addr::from_bits(bits).into()
        }
    }
}

/// The network bits of an address of `width` bits.
fn mask(length: u32, width: u32) -> u128 {
    let all = if width == 128 {
        u128::MAX
    } else {
        (1 << width) - 1
    };
    all & !low_bits(width - length)
}

/// So many ones at the lower end.
fn low_bits(count: u32) -> u128 {
    if count >= 128 {
        u128::MAX
    } else {
        (1 << count) - 1
    }
}

/// The address with a number inside the prefix; negative numbers count from its end.
pub(super) fn cidrhost(arguments: &Arguments<'_>) -> Outcome {
    let prefix = Prefix::read(arguments, 0)?;
    let number = arguments.integer(1)?;
    let last = low_bits(prefix.host_bits());
    let outside = || {
        Problem::Argument(
            1,
            format!(
                "the prefix has {} bits for hosts, which doesn't hold {number}",
                prefix.host_bits()
            ),
        )
    };
    let host = match u128::try_from(number) {
        Ok(number) => Some(number).filter(|number| *number <= last),
        Err(_) => last.checked_sub(number.unsigned_abs() - 1),
    };
    let host = host.ok_or_else(outside)?;
    Ok(Value::string(
        prefix.address(prefix.base | host).to_string(),
    ))
}

pub(super) fn cidrnetmask(arguments: &Arguments<'_>) -> Outcome {
    let prefix = Prefix::read(arguments, 0)?;
    if prefix.width != 32 {
        return Err(Problem::Argument(
            0,
            "only IPv4 prefixes have netmasks".into(),
        ));
    }
    Ok(Value::string(
        prefix.address(mask(prefix.length, 32)).to_string(),
    ))
}

/// The network with a number among those that are so many bits longer.
pub(super) fn cidrsubnet(arguments: &Arguments<'_>) -> Outcome {
    let prefix = Prefix::read(arguments, 0)?;
    let room = prefix.host_bits();
    let more = u32::try_from(arguments.integer(1)?)
        .ok()
        .filter(|more| *more <= room)
        .ok_or_else(|| {
            Problem::Argument(
                1,
                format!("the prefix can be made from 0 to {room} bits longer"),
            )
        })?;
    let number = u128::try_from(arguments.integer(2)?)
        .ok()
        .filter(|number| *number <= low_bits(more))
        .ok_or_else(|| {
            Problem::Argument(
                2,
                format!(
                    "{more} more bits number networks from 0 to {}",
                    low_bits(more)
                ),
            )
        })?;
    // A shift by all 128 bits happens only for the number 0.
    let bits = number.checked_shl(room - more).unwrap_or(0);
    Ok(Value::string(format!(
        "{}/{}",
        prefix.address(prefix.base | bits),
        prefix.length + more
    )))
}

/// Consecutive networks inside the prefix, each so many bits longer, each at the next place where it fits.
pub(super) fn cidrsubnets(arguments: &Arguments<'_>) -> Outcome {
    let prefix = Prefix::read(arguments, 0)?;
    let mut next: u128 = 0;
    let mut networks = Vec::new();
    for index in 1..arguments.count() {
        let room = prefix.host_bits();
        let more = u32::try_from(arguments.integer(index)?)
            .ok()
            .filter(|more| *more >= 1 && *more <= room)
            .ok_or_else(|| {
                Problem::Argument(
                    index,
                    format!("the prefix can be made from 1 to {room} bits longer"),
                )
            })?;
        let size = room - more;
        let full =
            || Problem::Argument(index, "the prefix has no room left for this network".into());
        let start = next.checked_add(low_bits(size)).ok_or_else(full)? & !low_bits(size);
        if start > low_bits(room) {
            return Err(full());
        }
        next = start
            .checked_add(low_bits(size))
            .and_then(|last| last.checked_add(1))
            .ok_or_else(full)?;
        networks.push(Value::string(format!(
            "{}/{}",
            prefix.address(prefix.base | start),
            prefix.length + more
        )));
    }
    Ok(Value::list(networks))
}
