//! Which number a network namespace has for the links of this one (RTM_GETNSID, rtnetlink(7)).

use std::collections::BTreeSet;
use std::fs::File;
use std::os::fd::AsRawFd as _;
use std::path::PathBuf;

use anyhow::Result;
use futures_util::stream::StreamExt as _;
use rtnetlink::Handle;
use rtnetlink::packet_core::{NLM_F_ACK, NLM_F_REQUEST, NetlinkMessage, NetlinkPayload};
use rtnetlink::packet_route::RouteNetlinkMessage;
use rtnetlink::packet_route::nsid::{NsidAttribute, NsidMessage};

use super::{kernel_error, with_socket};
use crate::deadline::Deadline;

pub(crate) fn namespace_ids(paths: &[PathBuf], deadline: &Deadline) -> Result<BTreeSet<i32>> {
    with_socket(deadline, "looking for the numbers of network namespaces", async |mut handle| {
        let mut ids = BTreeSet::new();
        for path in paths {
            // A process that has ended took its namespace along.
            let Ok(file) = File::open(path) else { continue };
            ids.extend(id_of(&mut handle, &file).await?);
        }
        Ok(ids)
    })
}

async fn id_of(handle: &mut Handle, file: &File) -> Result<Option<i32>> {
    let mut question = NsidMessage::default();
    question.attributes = vec![NsidAttribute::Fd(file.as_raw_fd().cast_unsigned())];
    let mut message = NetlinkMessage::from(RouteNetlinkMessage::GetNsId(question));
    message.header.flags = NLM_F_REQUEST | NLM_F_ACK;
    let mut answers = handle.request(message).map_err(kernel_error)?;
    let mut found = None;
    while let Some(answer) = answers.next().await {
        match answer.payload {
            // A file that is not a network namespace has no number either.
            NetlinkPayload::Error(_) => return Ok(found),
            NetlinkPayload::InnerMessage(RouteNetlinkMessage::NewNsId(answer)) => {
                found = answer.attributes.iter().find_map(|attribute| match attribute {
                    NsidAttribute::Id(id) if *id >= 0 => Some(*id),
                    _ => None,
                });
            }
            _ => {}
        }
    }
    Ok(found)
}
