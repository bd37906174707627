//! What a route with upstreams says about the pages that use it.

use crate::config::PageRules;
use crate::config::section::Section;

pub(super) fn read(section: &Section<'_>) -> PageRules {
    let defaults = PageRules::default();
    PageRules {
        cors: section.or("cors", defaults.cors),
        origin_header: section.or("origin_header", defaults.origin_header),
    }
}
