"""Reads an ETSI TS 119 102-2 report with classes that were generated from its schema."""

import sys

try:
    from pyhanko.generated.etsi.ts_11910202 import ValidationReport
    from xsdata.formats.dataclass.parsers import XmlParser
    from xsdata.formats.dataclass.parsers.config import ParserConfig
    from xsdata.formats.dataclass.serializers import XmlSerializer
except ImportError:
    print("skip")
    sys.exit(0)

from xml.etree import ElementTree


def shape(element):
    return (element.tag, sorted(element.attrib.items()), [shape(child) for child in element])


def without_missing(value, path="ValidationReport"):
    """The classes do not enforce what the schema requires: their metadata know it."""
    import dataclasses

    if not dataclasses.is_dataclass(value):
        return
    for field in dataclasses.fields(value):
        inner = getattr(value, field.name)
        where = f"{path}/{field.metadata.get('name', field.name)}"
        if field.metadata.get("required") and inner is None:
            raise ValueError(f"missing: {where}")
        if field.metadata.get("min_occurs", 0) > 0 and not inner:
            raise ValueError(f"missing: {where}")
        for one in inner if isinstance(inner, (tuple, list)) else [inner]:
            without_missing(one, where)


text = open(sys.argv[1], "rb").read()
try:
    report = XmlParser(config=ParserConfig(fail_on_unknown_properties=True, fail_on_unknown_attributes=True)).from_bytes(
        text, ValidationReport
    )
    without_missing(report)
except Exception as error:
    print("refused")
    print(error, file=sys.stderr)
    sys.exit(0)
again = XmlSerializer().render(report).encode()
assert shape(ElementTree.fromstring(text)) == shape(ElementTree.fromstring(again)), "the order is not the schema's"
print(len(report.signature_validation_report), "reports")
