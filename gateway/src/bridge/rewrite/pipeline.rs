//! The way of a body through the room: decode, rewrite, encode. No input or output of its own: chunks in,
//! chunks out, with bounded memory between.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};

use super::coding::{Coding, Corrupt, Decoder, Encoder};
use super::engine::Rewriter;
use super::host_variables::VendorScript;
use super::names::Names;

/// A vendor's script that is longer than that is none that we know.
const MAX_SCRIPT: usize = 256 << 10;

pub(super) struct Pipeline {
    decoder: Option<Decoder>,
    /// The last chunk, if there is nothing to decode.
    input: Bytes,
    /// A script whose variables are rewritten as a whole, and what has come of it.
    script: Option<(VendorScript, Vec<u8>)>,
    rewriter: Rewriter,
    names: Arc<Names>,
    encoder: Option<Encoder>,
    /// The encoder has something that the browser has not.
    unflushed: bool,
}

impl Pipeline {
    /// `from`: the coding of the body, `to`: that of the result.
    pub(super) fn new(
        names: Arc<Names>,
        from: Option<Coding>,
        to: Option<Coding>,
        script: Option<VendorScript>,
    ) -> Self {
        Self {
            decoder: from.map(Decoder::new),
            input: Bytes::new(),
            script: script.map(|script| (script, Vec::new())),
            rewriter: Rewriter::new(names.clone()),
            names,
            encoder: to.map(Encoder::new),
            unflushed: false,
        }
    }

    /// Takes a chunk. Call [`Self::take`] until it gives nothing before the next one.
    pub(super) fn push(&mut self, chunk: Bytes) {
        match &mut self.decoder {
            Some(decoder) => decoder.feed(chunk),
            None => self.input = chunk,
        }
    }

    /// What can be passed on of the last chunk; `None` when all of it was looked at.
    pub(super) fn take(&mut self) -> Result<Option<Bytes>, Corrupt> {
        while let Some(text) = self.text()? {
            let text = self.gather(text);
            let text = if text.is_empty() { text } else { self.rewriter.push(text) };
            let out = self.encode(text)?;
            if !out.is_empty() {
                return Ok(Some(out));
            }
        }
        Ok(None)
    }

    fn text(&mut self) -> Result<Option<Bytes>, Corrupt> {
        match &mut self.decoder {
            Some(decoder) => decoder.read(),
            None => Ok(Some(std::mem::take(&mut self.input)).filter(|input| !input.is_empty())),
        }
    }

    /// What an encoder holds back, when the upstream pauses.
    pub(super) fn flush(&mut self) -> Result<Option<Bytes>, Corrupt> {
        let Some(encoder) = self.encoder.as_mut().filter(|_| self.unflushed) else { return Ok(None) };
        self.unflushed = false;
        let out = encoder.flush().map_err(|_| Corrupt)?;
        Ok((!out.is_empty()).then_some(out))
    }

    /// A beginning of an address waits for more.
    pub(super) fn holds(&self) -> bool {
        self.rewriter.holds()
    }

    /// Lets go what waits, when the upstream has paused for too long.
    pub(super) fn release(&mut self) -> Result<Bytes, Corrupt> {
        let text = self.rewriter.release();
        let text = self.encode(text)?;
        let flushed = self.flush()?.unwrap_or_default();
        Ok(join([text, flushed]))
    }

    /// The rest, when the body has ended.
    pub(super) fn finish(&mut self) -> Result<Bytes, Corrupt> {
        let mut rest = BytesMut::new();
        if let Some(decoder) = &mut self.decoder {
            decoder.end();
        }
        // Little: what could be read before has been.
        while let Some(text) = self.text()? {
            rest.extend_from_slice(&self.gather(text));
        }
        let rest = match self.script.take() {
            Some((script, text)) => Bytes::from(script.rewrite(&text, &self.names)),
            None => rest.freeze(),
        };
        let rest = [self.rewriter.push(rest), self.rewriter.finish()];
        let Some(mut encoder) = self.encoder.take() else {
            return Ok(join(rest));
        };
        let [first, second] = rest;
        let out = [
            encoder.push(&first).map_err(|_| Corrupt)?,
            encoder.push(&second).map_err(|_| Corrupt)?,
            encoder.finish().map_err(|_| Corrupt)?,
        ];
        Ok(join(out))
    }

    /// Keeps a vendor's script together; everything else goes on.
    fn gather(&mut self, text: Bytes) -> Bytes {
        let Some((_, gathered)) = &mut self.script else { return text };
        gathered.extend_from_slice(&text);
        if gathered.len() <= MAX_SCRIPT {
            return Bytes::new();
        }
        let gathered = std::mem::take(gathered);
        self.script = None;
        Bytes::from(gathered)
    }

    fn encode(&mut self, text: Bytes) -> Result<Bytes, Corrupt> {
        match &mut self.encoder {
            Some(encoder) if !text.is_empty() => {
                self.unflushed = true;
                encoder.push(&text).map_err(|_| Corrupt)
            }
            _ => Ok(text),
        }
    }
}

/// Most of them are empty.
fn join<const N: usize>(parts: [Bytes; N]) -> Bytes {
    let filled: Vec<_> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    match filled.as_slice() {
        [] => Bytes::new(),
        [only] => only.clone(),
        several => Bytes::from(several.concat()),
    }
}

#[cfg(test)]
mod tests;
