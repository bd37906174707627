// What a page with Sametime Links has in its head and body, word for word.
setSTLinksURL("/sametime/stlinks", document.documentElement.lang);
writeSTLinksApplet("", "", false);
