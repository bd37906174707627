use std::io::Read;

use http_body_util::BodyExt;

use super::*;

/// Everything that a live-name page loads, compressed with gzip.
const BUDGET: usize = 15 << 10;

async fn load(path: &str, headers: &[(&str, &str)]) -> Option<(Response<()>, Vec<u8>)> {
    let mut request = Request::get(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let (parts, body) = answer(&request.body(()).unwrap())?.into_parts();
    let body = body.collect().await.unwrap().to_bytes().to_vec();
    Some((Response::from_parts(parts, ()), body))
}

#[tokio::test]
async fn a_page_of_each_family_loads_no_more_than_its_budget() {
    for page in [
        ["/sametime/stlinks/stlinks.js", "/sametime/stlinks/stlinks.css", "/sametime/stlinks/hostinfo.js"]
            .as_slice(),
        &[
            "/stwebclient/latest/include.js?widget=livename",
            "/stwebclient/dojo.blue/sametime/themes/WebClientAll.css",
        ],
        &["/livename/v1/events.js"],
    ] {
        assert!(size(page).await <= BUDGET, "{page:?}");
    }
    // What the few pages load on top that live over the long poll, are told why they are left out, or have something to
    // say beside names.
    assert!(size(&["/livename/v1/rest.js"]).await <= 4 << 10);
    assert!(size(&["/livename/v1/why.js"]).await <= 1 << 10);
    assert!(size(&["/livename/v1/notice.js"]).await <= 2 << 10);
}

async fn size(page: &[&str]) -> usize {
    let mut size = 0;
    for path in page {
        size += load(path, &[("accept-encoding", "gzip")]).await.unwrap().1.len();
    }
    println!("{page:?}: {size} bytes");
    size
}

#[tokio::test]
async fn paths_have_no_case_and_may_stand_below_an_affinity_id() {
    for (path, kind) in [
        ("/sametime/stlinks/stlinks.js", "text/javascript"),
        ("/Sametime/STLinks/stlinks.js", "text/javascript"),
        ("/st01/sametime/stlinks/STLinks.JS?x=1", "text/javascript"),
        ("/sametime/stlinks/hostInfo.js", "text/javascript"),
        ("/sametime/stlinks/de/res.js", "text/javascript"),
        ("/sametime/stlinks/stlinks.css", "text/css"),
        ("/sametime/stlinks/images/away.svg", "image/svg+xml"),
        ("/stwebclient/include.js?auto=false", "text/javascript"),
        ("/stwebclient/latest/include.js?widget=livename&lang=de", "text/javascript"),
        ("/stwebclient/livenameLight.js", "text/javascript"),
        ("/stwebclient/widgetsLight.js", "text/javascript"),
        ("/stwebclient/dojo.blue/sametime/themes/WebClientAll.css", "text/css"),
        ("/stbaseapi/baseComps.js?noHub=true", "text/javascript"),
        ("/st02/stbaseapi/OpenAjaxHub/release/all/OpenAjaxManagedHub-all.js", "text/javascript"),
        ("/livename/v1/events.js", "text/javascript"),
        ("/livename/v1/rest.js", "text/javascript"),
        ("/livename/v1/why.js", "text/javascript"),
        ("/livename/v1/notice.js", "text/javascript"),
    ] {
        let (response, body) = load(path, &[]).await.unwrap_or_else(|| panic!("{path} is not there"));
        assert!(response.headers()["content-type"].to_str().unwrap().starts_with(kind), "{path}");
        assert!(!body.is_empty(), "{path}");
    }
    for path in
        ["/", "/sametime/stlinks/", "/sametime/stlinks/x/stlinks.js", "/stwebclient/popup.jsp", "/include.js"]
    {
        assert!(load(path, &[]).await.is_none(), "{path}");
    }
}

#[tokio::test]
async fn what_a_query_says_is_not_in_the_script() {
    let plain = load("/stwebclient/include.js", &[]).await.unwrap().1;
    let attack =
        load("/stwebclient/include.js?lang=%3C/script%3E%3Cscript%3Ealert(1)//&widget=';alert(1)//", &[]);
    assert_eq!(attack.await.unwrap().1, plain);
}

#[tokio::test]
async fn every_form_unpacks_to_the_same_text_and_has_a_tag_of_its_own() {
    let path = "/sametime/stlinks/stlinks.js";
    let (plain, text) = load(path, &[]).await.unwrap();
    let (gzip, packed) = load(path, &[("accept-encoding", "deflate, gzip;q=0.5")]).await.unwrap();
    let mut unpacked = Vec::new();
    flate2::read::GzDecoder::new(packed.as_slice()).read_to_end(&mut unpacked).unwrap();
    assert_eq!((gzip.headers()["content-encoding"].to_str().unwrap(), &unpacked), ("gzip", &text));
    let (brotli, packed) = load(path, &[("accept-encoding", "gzip, br")]).await.unwrap();
    let mut unpacked = Vec::new();
    brotli::Decompressor::new(packed.as_slice(), 4096).read_to_end(&mut unpacked).unwrap();
    assert_eq!((brotli.headers()["content-encoding"].to_str().unwrap(), &unpacked), ("br", &text));
    let (refused, _) = load(path, &[("accept-encoding", "br;q=0, gzip;q=0")]).await.unwrap();
    assert!(!refused.headers().contains_key("content-encoding"));
    let tags: std::collections::HashSet<_> =
        [&plain, &gzip, &brotli].map(|response| response.headers()["etag"].clone()).into();
    assert_eq!(tags.len(), 3);
}

#[tokio::test]
async fn a_browser_that_has_the_version_gets_no_body() {
    let path = "/livename/v1/events.js";
    let (first, _) = load(path, &[]).await.unwrap();
    let tag = first.headers()["etag"].to_str().unwrap().to_owned();
    for known in [tag.clone(), format!("\"x\", W/{tag}"), "*".to_owned()] {
        let (again, body) = load(path, &[("if-none-match", &known)]).await.unwrap();
        assert_eq!((again.status(), body.len()), (StatusCode::NOT_MODIFIED, 0), "{known}");
    }
    let (other, _) = load(path, &[("if-none-match", "\"x\"")]).await.unwrap();
    assert_eq!(other.status(), StatusCode::OK);
}
