//! XML that means the same and is written otherwise.

/// `text` with every run of characters between tags changed by `texts` and every tag by `tags`. The declaration stays.
fn respelled(text: &str, texts: impl Fn(&str) -> String, tags: impl Fn(&str) -> String) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('<') {
        let (tag, behind) = after.split_once('>').expect("the end of a tag");
        // Outside of the root there is white space only.
        out.push_str(&if out.is_empty() || behind.is_empty() { before.to_owned() } else { texts(before) });
        if tag.starts_with('?') {
            out.push_str(&format!("<{tag}>"));
            out.push_str(behind.split('<').next().unwrap_or_default());
            rest = &behind[behind.find('<').expect("a root")..];
            continue;
        }
        out.push_str(&format!("<{}>", tags(tag)));
        rest = behind;
    }
    out + rest
}

/// Name, attributes as name and value, and whether the tag is one of `<a/>`.
fn parts(tag: &str) -> (&str, Vec<(&str, &str)>, bool) {
    let is_empty = tag.ends_with('/');
    let tag = tag.strip_suffix('/').unwrap_or(tag);
    let (name, mut rest) = tag.split_once(' ').unwrap_or((tag, ""));
    let mut attributes = Vec::new();
    while let Some((attribute, after)) = rest.split_once("=\"") {
        let (value, behind) = after.split_once('"').expect("a quote");
        attributes.push((attribute.trim(), value));
        rest = behind;
    }
    (name, attributes, is_empty)
}

fn same(text: &str) -> String {
    text.to_owned()
}

/// Texts in CDATA sections.
pub fn in_cdata(text: &str) -> String {
    respelled(text, |text| if text.trim().is_empty() { same(text) } else { format!("<![CDATA[{text}]]>") }, same)
}

/// Every character of texts and values as a reference.
pub fn as_references(text: &str) -> String {
    let all = |text: &str| -> String {
        let one = |(at, c): (usize, char)| match at % 2 {
            0 => format!("&#x{:X};", u32::from(c)),
            _ => format!("&#{};", u32::from(c)),
        };
        text.chars().enumerate().map(one).collect()
    };
    let tag = |tag: &str| {
        if tag.starts_with('/') {
            return same(tag);
        }
        let (name, attributes, is_empty) = parts(tag);
        let attributes = attributes.iter().map(|(name, value)| match name.starts_with("xmlns") {
            true => format!(" {name}=\"{value}\""),
            false => format!(" {name}=\"{}\"", all(value)),
        });
        format!("{name}{}{}", attributes.collect::<String>(), if is_empty { "/" } else { "" })
    };
    respelled(text, |text| if text.trim().is_empty() { same(text) } else { all(text) }, tag)
}

/// Comments and instructions everywhere, also within texts; what they say looks like elements.
pub fn with_comments(text: &str) -> String {
    let comment = "<!-- <ofd:DocRoot>x.xml</ofd:DocRoot><ofd:Reference FileRef=\"/x\"/> --><?app <ofd:SignedValue>y</ofd:SignedValue>?>";
    let between = |text: &str| {
        let middle = text.char_indices().nth(text.chars().count() / 2).map_or(0, |(at, _)| at);
        format!("{comment}{}{comment}{}", &text[..middle], &text[middle..])
    };
    respelled(text, between, same)
}

/// White space wherever it means nothing.
pub fn with_space(text: &str) -> String {
    let tag = |tag: &str| match tag.strip_prefix('/') {
        Some(name) => format!("/{name}\n"),
        None => {
            let (name, attributes, is_empty) = parts(tag);
            let attributes: String =
                attributes.iter().map(|(name, value)| format!("\r\n\t{name} =\n \"{value}\"")).collect();
            format!("{name}{attributes}{}", if is_empty { " /" } else { "\t" })
        }
    };
    respelled(text, |text| format!("\r\n\t {text} \n"), tag)
}

/// Attributes in the other order and in single quotes.
pub fn with_attributes_turned(text: &str) -> String {
    let tag = |tag: &str| {
        if tag.starts_with('/') {
            return same(tag);
        }
        let (name, attributes, is_empty) = parts(tag);
        let attributes = attributes.iter().rev().map(|(name, value)| format!(" {name}='{value}'"));
        format!("{name}{}{}", attributes.collect::<String>(), if is_empty { "/" } else { "" })
    };
    respelled(text, same, tag)
}

/// `<a></a>` for `<a/>`.
pub fn in_long_form(text: &str) -> String {
    let tag = |tag: &str| match tag.strip_suffix('/') {
        Some(start) => format!("{start}></{}", parts(tag).0),
        None => same(tag),
    };
    respelled(text, same, tag)
}

/// Another prefix for the namespace.
pub fn with_other_prefix(text: &str) -> String {
    text.replace("ofd:", "n1:").replace("xmlns:ofd", "xmlns:n1")
}

/// The namespace as the default.
pub fn with_default_namespace(text: &str) -> String {
    text.replace("xmlns:ofd", "xmlns").replace("<ofd:", "<").replace("</ofd:", "</")
}

/// No namespace at all, and an old one, as real files have them.
pub fn without_namespace(text: &str) -> String {
    text.replace(" xmlns:ofd=\"http://www.ofdspec.org/2016\"", "").replace("<ofd:", "<").replace("</ofd:", "</")
}

/// Without a declaration.
pub fn without_declaration(text: &str) -> String {
    text.split_once("?>").map_or_else(|| same(text), |(_, rest)| rest.trim_start().to_owned())
}

/// With a declaration that says `encoding`.
pub fn declared(text: &str, encoding: &str) -> String {
    text.replacen("encoding=\"UTF-8\"", &format!("encoding=\"{encoding}\" standalone=\"no\""), 1)
}
