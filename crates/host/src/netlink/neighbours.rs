//! Neighbour messages to [`Neighbour`] and, of the bridge family, to [`Forwarding`].

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use anyhow::Result;
use futures_util::stream::TryStreamExt as _;
use rtnetlink::Handle;
use rtnetlink::packet_route::AddressFamily;
use rtnetlink::packet_route::neighbour::{NeighbourAddress, NeighbourAttribute, NeighbourMessage};

use super::{kernel_error, with_socket};
use crate::deadline::Deadline;
use crate::neighbours::{Forwarding, Neighbour};

pub(crate) fn list_neighbours(deadline: &Deadline) -> Result<Vec<Neighbour>> {
    with_socket(deadline, "listing neighbours", async |handle| {
        let mut all = read(&handle, AddressFamily::Inet).await?;
        all.extend(read(&handle, AddressFamily::Inet6).await?);
        let one = |message: NeighbourMessage| {
            let (ip, mac) = (address(&message)?, mac(&message).unwrap_or_default());
            Some(Neighbour { link: message.header.ifindex, ip, mac })
        };
        Ok(all.into_iter().filter_map(one).collect())
    })
}

pub(crate) fn list_forwarding(deadline: &Deadline) -> Result<Vec<Forwarding>> {
    with_socket(deadline, "listing forwarding entries", async |handle| {
        let all = read(&handle, AddressFamily::Bridge).await?;
        let one = |message: NeighbourMessage| {
            let (to, mac) = (address(&message)?, mac(&message)?);
            Some(Forwarding { link: message.header.ifindex, mac, to })
        };
        Ok(all.into_iter().filter_map(one).collect())
    })
}

async fn read(handle: &Handle, family: AddressFamily) -> Result<Vec<NeighbourMessage>> {
    let request = handle.neighbours().get().set_address_family(family);
    let mut messages = std::pin::pin!(request.execute());
    let mut all = Vec::new();
    while let Some(message) = messages.try_next().await.map_err(kernel_error)? {
        all.push(message);
    }
    Ok(all)
}

fn mac(message: &NeighbourMessage) -> Option<String> {
    message.attributes.iter().find_map(|attribute| match attribute {
        NeighbourAttribute::LinkLayerAddress(bytes) => {
            Some(bytes.iter().map(|b| format!("{b:02x}")).collect::<Vec<_>>().join(":"))
        }
        _ => None,
    })
}

/// Of the bridge family the other machine's address comes as bytes, whose number tells what it is.
fn address(message: &NeighbourMessage) -> Option<IpAddr> {
    message.attributes.iter().find_map(|attribute| match attribute {
        NeighbourAttribute::Destination(NeighbourAddress::Inet(ip)) => Some(IpAddr::V4(*ip)),
        NeighbourAttribute::Destination(NeighbourAddress::Inet6(ip)) => Some(IpAddr::V6(*ip)),
        NeighbourAttribute::Destination(NeighbourAddress::Other(bytes)) => match bytes.len() {
            4 => <[u8; 4]>::try_from(bytes.as_slice()).ok().map(|b| Ipv4Addr::from(b).into()),
            16 => <[u8; 16]>::try_from(bytes.as_slice()).ok().map(|b| Ipv6Addr::from(b).into()),
            _ => None,
        },
        _ => None,
    })
}
