//! However a body is cut into chunks, its addresses are rewritten to the same result; a second time changes
//! nothing. The first bytes of the input choose page, upstream and cuts.

#![no_main]

use std::sync::Arc;

use bytes::Bytes;
use gateway::bridge::rewrite::{Names, Page, Rewriter, rewrite};
use gateway::config::Address;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let [flags, cut, text @ ..] = input else { return };
    let page = Page {
        tls: flags & 1 > 0,
        sametime_tls: flags & 2 > 0,
        authority: if flags & 4 > 0 { "im.example:8443" } else { "im.example" }.to_owned(),
    };
    let known = [Address::new(false, "st1.example", 80), Address::new(true, "10.1.2.3", 9443)];
    let affinity = if flags & 8 > 0 { "/st01" } else { "" };
    let names = Arc::new(Names::new(Arc::new(known), flags & 16 > 0, page, affinity));

    let whole = rewrite(Bytes::copy_from_slice(text), &names);
    let mut rewriter = Rewriter::new(names.clone());
    let mut pieces = Vec::new();
    for chunk in text.chunks(usize::from(*cut).max(1)) {
        pieces.extend_from_slice(&rewriter.push(Bytes::copy_from_slice(chunk)));
    }
    pieces.extend_from_slice(&rewriter.finish());
    assert_eq!(pieces, whole);
    assert_eq!(rewrite(whole.clone(), &names), whole);
    if rewriter.count() == 0 {
        assert_eq!(whole, text);
    }
});
