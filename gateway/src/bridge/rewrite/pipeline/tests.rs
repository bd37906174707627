use std::io::{Read, Write};

use flate2::Compression;
use flate2::read::{MultiGzDecoder, ZlibDecoder};
use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};

use super::super::names::Page;
use super::*;
use crate::config::Address;

fn names() -> Arc<Names> {
    let page = Page { tls: true, sametime_tls: true, authority: "im.example".into() };
    Arc::new(Names::new(Arc::new([Address::new(false, "st1.example", 80)]), false, page, ""))
}

fn text() -> String {
    (0..4_000).map(|line| format!("<a href=\"http://st1.example/{line}\">{}</a>\n", line * 7919)).collect()
}

fn encoded(text: &str, coding: Coding) -> Vec<u8> {
    let text = text.as_bytes();
    match coding {
        Coding::Gzip => {
            // Two members, as some servers send them.
            let (first, second) = text.split_at(text.len() / 2);
            let member = |part: &[u8]| {
                let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
                encoder.write_all(part).unwrap();
                encoder.finish().unwrap()
            };
            [member(first), member(second)].concat()
        }
        Coding::Deflate => {
            let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
            encoder.write_all(text).unwrap();
            encoder.finish().unwrap()
        }
        Coding::Brotli => {
            let mut encoder = brotli::CompressorWriter::new(Vec::new(), 4096, 5, 20);
            encoder.write_all(text).unwrap();
            encoder.into_inner()
        }
    }
}

fn decoded(bytes: &[u8], coding: Option<Coding>) -> String {
    let mut text = String::new();
    match coding {
        None => return String::from_utf8(bytes.to_vec()).unwrap(),
        Some(Coding::Gzip) => MultiGzDecoder::new(bytes).read_to_string(&mut text).unwrap(),
        Some(Coding::Deflate) => ZlibDecoder::new(bytes).read_to_string(&mut text).unwrap(),
        Some(Coding::Brotli) => brotli::Decompressor::new(bytes, 4096).read_to_string(&mut text).unwrap(),
    };
    text
}

/// The whole result, and the longest chunk of it.
fn through(mut pipeline: Pipeline, bytes: &[u8], chunk: usize) -> Result<(Vec<u8>, usize), Corrupt> {
    let (mut out, mut longest) = (Vec::new(), 0);
    for piece in bytes.chunks(chunk) {
        pipeline.push(Bytes::copy_from_slice(piece));
        while let Some(made) = pipeline.take()? {
            longest = longest.max(made.len());
            out.extend_from_slice(&made);
        }
    }
    out.extend_from_slice(&pipeline.finish()?);
    Ok((out, longest))
}

const CODINGS: [Coding; 3] = [Coding::Gzip, Coding::Deflate, Coding::Brotli];

#[test]
fn a_coded_body_is_rewritten_and_coded_again() {
    let (from, to) = (text(), text().replace("http://st1.example", "https://im.example"));
    for coding in CODINGS {
        for chunk in [1, 7, 1000, usize::MAX] {
            for result in [Some(coding), None] {
                let pipeline = Pipeline::new(names(), Some(coding), result, None);
                let (out, _) = through(pipeline, &encoded(&from, coding), chunk).unwrap();
                assert_eq!(decoded(&out, result), to, "{coding:?} {chunk}");
            }
        }
    }
}

#[test]
fn deflate_without_its_wrapper_is_understood() {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text().as_bytes()).unwrap();
    let pipeline = Pipeline::new(names(), Some(Coding::Deflate), None, None);
    let (out, _) = through(pipeline, &encoder.finish().unwrap(), 3).unwrap();
    assert_eq!(out, text().replace("http://st1.example", "https://im.example").as_bytes());
}

#[test]
fn a_body_that_blows_up_does_so_in_small_steps() {
    let zeros = "\n".repeat(20 << 20);
    for coding in CODINGS {
        let bomb = encoded(&zeros, coding);
        assert!(bomb.len() < 64 << 10, "{coding:?}: {}", bomb.len());
        let (out, longest) =
            through(Pipeline::new(names(), Some(coding), None, None), &bomb, usize::MAX).unwrap();
        assert_eq!(out.len(), zeros.len());
        assert!(longest <= 128 << 10, "{coding:?}: {longest}");
    }
}

#[test]
fn half_a_coded_body_and_garbage_are_errors() {
    for coding in CODINGS {
        let whole = encoded(&text(), coding);
        let half = &whole[..whole.len() / 2];
        assert!(through(Pipeline::new(names(), Some(coding), None, None), half, 100).is_err(), "{coding:?}");
        let garbage = [0xFF; 100];
        assert!(
            through(Pipeline::new(names(), Some(coding), None, None), &garbage, 100).is_err(),
            "{coding:?}"
        );
    }
}

#[test]
fn what_an_encoder_holds_back_comes_out_when_the_upstream_pauses() {
    for coding in CODINGS {
        let mut pipeline = Pipeline::new(names(), None, Some(coding), None);
        let mut seen = Vec::new();
        pipeline.push(Bytes::from("{\"url\":\"http:\\/\\/st1.example\\/\"}"));
        while let Some(made) = pipeline.take().unwrap() {
            seen.extend_from_slice(&made);
        }
        seen.extend_from_slice(&pipeline.flush().unwrap().unwrap());
        assert!(pipeline.flush().unwrap().is_none());
        let mut decoder = Decoder::new(coding);
        decoder.feed(Bytes::from(seen));
        let mut text = Vec::new();
        while let Some(part) = decoder.read().unwrap() {
            text.extend_from_slice(&part);
        }
        assert_eq!(text, b"{\"url\":\"https:\\/\\/im.example\\/\"}", "{coding:?}");
    }
}

#[test]
fn a_vendors_script_is_rewritten_as_a_whole_and_a_huge_one_as_any_other() {
    let script = Some(VendorScript::HostInfo);
    let small = b"var a = 'st1.example', b = \"http://st1.example/\";";
    let (out, _) = through(Pipeline::new(names(), None, None, script), small, 3).unwrap();
    assert_eq!(out, b"var a = 'im.example', b = \"https://im.example/\";");
    let huge = [small.as_slice(), &vec![b' '; MAX_SCRIPT]].concat();
    let (out, _) = through(Pipeline::new(names(), None, None, script), &huge, 1 << 16).unwrap();
    assert!(out.starts_with(b"var a = 'st1.example', b = \"https://im.example/\";"));
    assert_eq!(out.len(), huge.len());
}
