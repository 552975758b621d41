//! What was asked of a module: its options against its spec, and what every answer about them has in common.

use crate::answer::Frame;
use crate::envelope::Envelope;
use crate::{Params, Spec, params};
use serde_json::{Map, Value};

/// Checks the options; the frame is good for an answer that refuses them, too.
pub(crate) fn check(spec: &Spec, envelope: &Envelope, options: Map<String, Value>) -> (Frame, Result<Params, String>) {
    let called = envelope.module_name.clone().unwrap_or_else(|| spec.name.to_owned());
    let checked = params::check(spec, options, &called);
    let mut frame = Frame::new(envelope);
    frame.echo = checked.echo;
    frame.secrets = checked.secrets;
    frame.warnings = checked.warnings;
    (frame, checked.params)
}
