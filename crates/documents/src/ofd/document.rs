//! `OFD.xml` and the documents that it names: pages and their sizes (GB/T 33190-2016 7.4, 7.5).

use std::collections::HashMap;

use roxmltree::Node;

use super::names::folder_of;
use super::package::{Package, malformed};
use super::xml;
use crate::{DocumentError, Limit, PageSize};

/// The entry that every package starts from.
pub const OFD_XML: &str = "OFD.xml";

/// The most documents of one package; those with more than one are rare already.
const MAX_BODIES: usize = 64;

/// One document of a package; nearly every package has exactly one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Body {
    /// Its place among the bodies that `OFD.xml` has, some of which may have no document.
    pub index: usize,
    /// The entry of its `Document.xml`.
    pub root: String,
    /// The entry of its list of signatures, if it names one.
    pub signatures: Option<String>,
}

/// The bodies that `OFD.xml` names.
pub fn bodies(package: &Package) -> Result<Vec<Body>, DocumentError> {
    if package.find(OFD_XML).is_none() {
        return Err(DocumentError::NotADocument); // some other kind of zip
    }
    let bytes = package.read_xml(OFD_XML)?;
    let text = xml::decode(&bytes, OFD_XML)?;
    let tree = xml::parse(&text, OFD_XML, package.limits())?;
    let mut bodies = Vec::new();
    for (index, body) in xml::children(tree.root_element(), "DocBody").enumerate() {
        let signatures = xml::child_text(body, "Signatures").and_then(|location| package.locate("", &location));
        let root = match xml::child_text(body, "DocRoot") {
            Some(location) => package.locate("", &location),
            None => current_version(package, body)?,
        };
        match root {
            Some(root) => bodies.push(Body { index, root, signatures }),
            None if signatures.is_none() && xml::child(body, "DocRoot").is_none() => {} // it has nothing to show
            None => return Err(malformed("OFD.xml has a body without DocRoot")),
        }
        if index >= MAX_BODIES {
            return Err(malformed(format!("OFD.xml names more than {MAX_BODIES} documents")));
        }
    }
    if bodies.is_empty() { Err(malformed("OFD.xml names no document")) } else { Ok(bodies) }
}

/// The root of the current version of a body that names none itself (GB/T 33190-2016 table 3 and chapter 19).
fn current_version(package: &Package, body: Node<'_, '_>) -> Result<Option<String>, DocumentError> {
    let versions: Vec<_> =
        xml::child(body, "Versions").into_iter().flat_map(|versions| xml::children(versions, "Version")).collect();
    let is_current = |version: &&Node<'_, '_>| version.attribute("Current").is_some_and(|text| text.trim() == "true");
    let version = versions.iter().find(is_current).or(versions.last());
    let named = version.and_then(|version| version.attribute("BaseLoc")).and_then(|at| package.locate("", at));
    let Some(entry) = named else { return Ok(None) };
    let bytes = package.read_xml(&entry)?;
    let text = xml::decode(&bytes, &entry)?;
    let tree = xml::parse(&text, &entry, package.limits())?;
    let root = xml::child_text(tree.root_element(), "DocRoot");
    Ok(root.and_then(|location| package.locate(folder_of(&entry), &location)))
}

/// The pages of one body, in order, without their sizes.
#[derive(Debug, Clone)]
pub struct Pages {
    pages: Vec<Page>,
    /// From the object ID of a page to its number, counted from 1.
    numbers: HashMap<String, u32>,
    /// From the object ID of a template to its entry.
    templates: HashMap<String, String>,
    default: Option<PageSize>,
    /// What was read of pages and templates by their entry: many may share one.
    areas: HashMap<String, Area>,
}

/// The size that a page or template states, and the object IDs of the templates that it uses.
#[derive(Debug, Clone, Default)]
struct Area {
    size: Option<PageSize>,
    templates: Vec<String>,
}

/// The most templates of one page; two are usual.
const MAX_TEMPLATES: usize = 64;

#[derive(Debug, Clone)]
struct Page {
    id: String,
    entry: Option<String>,
}

impl Pages {
    /// Reads the page list of `body`.
    pub fn read(package: &Package, body: &Body) -> Result<Self, DocumentError> {
        let bytes = package.read_xml(&body.root)?;
        let text = xml::decode(&bytes, &body.root)?;
        let tree = xml::parse(&text, &body.root, package.limits())?;
        let folder = folder_of(&body.root);
        let entry = |node: Node<'_, '_>| node.attribute("BaseLoc").and_then(|at| package.locate(folder, at));
        let id = |node: Node<'_, '_>| node.attribute("ID").unwrap_or_default().trim().to_owned();

        let common = xml::child(tree.root_element(), "CommonData");
        let templates = common.into_iter().flat_map(|common| xml::children(common, "TemplatePage"));
        let templates = templates.filter_map(|node| Some((id(node), entry(node)?))).collect();
        let listed = xml::child(tree.root_element(), "Pages");
        let listed = listed.into_iter().flat_map(|pages| xml::children(pages, "Page"));
        let pages: Vec<Page> = listed.map(|node| Page { id: id(node), entry: entry(node) }).collect();
        Limit::Pages.check(pages.len() as u64, package.limits().max_pages.into())?;
        let numbers = pages.iter().zip(1..).map(|(page, number)| (page.id.clone(), number)).collect();
        let default = common.and_then(|common| size_in(common, "PageArea"));
        Ok(Self { pages, numbers, templates, default, areas: HashMap::new() })
    }

    /// How many pages there are.
    pub fn count(&self) -> u32 {
        u32::try_from(self.pages.len()).unwrap_or(u32::MAX)
    }

    /// The number, counted from 1, of the page with object ID `id`.
    pub fn number_of(&self, id: &str) -> Option<u32> {
        self.numbers.get(id.trim()).copied()
    }

    /// The object ID of page `number`, counted from 1.
    pub fn id_of(&self, number: u32) -> Result<&str, DocumentError> {
        self.page(number).map(|page| page.id.as_str())
    }

    fn page(&self, number: u32) -> Result<&Page, DocumentError> {
        let index = number.checked_sub(1).and_then(|index| usize::try_from(index).ok());
        let page = index.and_then(|index| self.pages.get(index));
        page.ok_or_else(|| DocumentError::NoSuchPage { page: number, pages: self.count() })
    }

    /// The size of page `number`: its own, else its template's, else the document's.
    pub fn size_of(&mut self, package: &Package, number: u32) -> Result<PageSize, DocumentError> {
        let entry = self.page(number)?.entry.clone();
        let Area { size, templates } = self.area_of(package, entry)?;
        if let Some(own) = size {
            return Ok(own);
        }
        let template = templates.iter().find_map(|id| self.templates.get(id)).cloned();
        let size = self.area_of(package, template)?.size;
        size.or(self.default).ok_or_else(|| malformed(format!("page {number} has no size")))
    }

    /// The entries that have the content of page `number`: its own, and those of its templates.
    pub fn contents_of(&mut self, package: &Package, number: u32) -> Result<Vec<String>, DocumentError> {
        let entry = self.page(number)?.entry.clone();
        let area = self.area_of(package, entry.clone())?;
        let templates = area.templates.iter().filter_map(|id| self.templates.get(id)).cloned();
        Ok(entry.into_iter().chain(templates).filter(|entry| package.find(entry).is_some()).collect())
    }

    /// What the page or template in `entry` says; nothing if it is not there.
    fn area_of(&mut self, package: &Package, entry: Option<String>) -> Result<Area, DocumentError> {
        let Some(entry) = entry.filter(|entry| package.find(entry).is_some()) else { return Ok(Area::default()) };
        if let Some(area) = self.areas.get(&entry) {
            return Ok(area.clone());
        }
        let bytes = package.read_xml(&entry)?;
        let text = xml::decode(&bytes, &entry)?;
        let tree = xml::parse(&text, &entry, package.limits())?;
        let page = tree.root_element();
        let templates = xml::children(page, "Template").filter_map(|node| node.attribute("TemplateID"));
        let templates = templates.take(MAX_TEMPLATES).map(|id| id.trim().to_owned()).collect();
        let area = Area { size: size_in(page, "Area"), templates };
        self.areas.insert(entry, area.clone());
        Ok(area)
    }
}

fn size_in(node: Node<'_, '_>, area: &str) -> Option<PageSize> {
    let area = xml::child(node, area)?;
    let [_, _, width_mm, height_mm] = xml::numbers(&xml::child_text(area, "PhysicalBox")?)?;
    if width_mm > 0.0 && height_mm > 0.0 { Some(PageSize { width_mm, height_mm }) } else { None }
}
