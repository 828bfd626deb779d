"""Documents with a keyword, by other people's software: FONT, a file with Chinese characters, and a folder to write to."""
import io
import sys

import fitz
from fontTools import cffLib, subset, ttLib
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.t2CharStringPen import T2CharStringPen
from reportlab.pdfbase import cidfonts, pdfmetrics, ttfonts
from reportlab.pdfgen import canvas

font, folder = sys.argv[1:3]
LINE = "合同编号 2026,乙方(盖章):示范公司"


def reportlab(name, font_name, drawn):
    page = canvas.Canvas(f"{folder}/{name}.pdf", pagesize=(595, 842))
    page.setFont(font_name, 14)
    drawn(page)
    page.showPage()
    page.save()


def straight(page):
    page.drawString(72, 500, LINE)


def moved(page):
    page.translate(300, 200)
    page.scale(1.5, 1.5)
    page.beginForm("stamped", 0, 0, 400, 400)
    page.setFont("Embedded", 10)
    page.drawString(20, 30, LINE[:9])
    page.drawString(20 + pdfmetrics.stringWidth(LINE[:9], "Embedded", 10), 30, LINE[9:])
    page.endForm()
    page.rotate(90)
    page.doForm("stamped")


pdfmetrics.registerFont(ttfonts.TTFont("Embedded", font, subfontIndex=0))
pdfmetrics.registerFont(cidfonts.UnicodeCIDFont("STSong-Light"))
reportlab("reportlab", "Embedded", straight)
reportlab("reportlab-form-turned", "Embedded", moved)
reportlab("reportlab-not-embedded", "STSong-Light", straight)

for rotation in (0, 90, 180, 270):
    document = fitz.open()
    page = document.new_page(width=595, height=842)
    page.insert_font(fontname="F0", fontfile=font)
    page.insert_text((72, 300), LINE, fontname="F0", fontsize=12)
    page.set_cropbox(fitz.Rect(20, 30, 575, 812))
    page.set_rotation(rotation)
    document.save(f"{folder}/mupdf-{rotation}.pdf", garbage=4, deflate=True)

# An embedded font that does not say which characters its codes are: those of a predefined CMap, or its own glyphs.
face = ttLib.TTFont(font, fontNumber=0)
cutter = subset.Subsetter()
cutter.populate(text=LINE)
cutter.subset(face)
program = io.BytesIO()
face.save(program)
program = program.getvalue()
glyphs = face.getBestCmap()
widths = face["hmtx"]


def silent(name, codes, font, program, kind=b"FontFile2"):
    """A page with these codes in object 5, a font whose descriptor is 7."""
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Count 1 /Kids [3 0 R] >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>",
        b"<< /Length %d >>\nstream\nBT /F1 16 Tf 72 500 Td <%s> Tj ET\nendstream" % (len(codes) * 2 + 32, codes.hex().encode()),
        *font,
        b"<< /Type /FontDescriptor /FontName /ABCDEF+Face /Flags 4 /FontBBox [0 -200 1000 800] /ItalicAngle 0 /Ascent 800"
        b" /Descent -200 /CapHeight 700 /StemV 80 /" + kind + b" 8 0 R >>",
        program,
    ]
    out = b"%PDF-1.5\n"
    table = b"xref\n0 9\n0000000000 65535 f \n"
    for number, body in enumerate(objects, 1):
        table += b"%010d 00000 n \n" % len(out)
        out += b"%d 0 obj\n" % number + body + b"\nendobj\n"
    out += table + b"trailer\n<< /Size 9 /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % len(out)
    open(f"{folder}/{name}.pdf", "wb").write(out)


def composite(encoding, kind, ordering, advances):
    return [
        b"<< /Type /Font /Subtype /Type0 /BaseFont /ABCDEF+Face /Encoding /" + encoding + b" /DescendantFonts [6 0 R] >>",
        b"<< /Type /Font /Subtype /" + kind + b" /BaseFont /ABCDEF+Face /CIDSystemInfo << /Registry (Adobe) /Ordering ("
        + ordering + b") /Supplement 2 >> /DW 1000 /W [" + advances + b"] /CIDToGIDMap /Identity /FontDescriptor 7 0 R >>",
    ]


def stream(program, entries=b""):
    return b"<< /Length %d %s >>\nstream\n" % (len(program), entries) + program + b"\nendstream"


def two_bytes(numbers):
    return b"".join(number.to_bytes(2, "big") for number in numbers)


per_em = face["head"].unitsPerEm
own = [face.getGlyphID(glyphs[ord(character)]) for character in LINE]
advances = b" ".join(b"%d [%d]" % (face.getGlyphID(name), width * 1000 // per_em) for name, (width, _) in widths.metrics.items())
silent("collection", LINE.encode("gbk"), composite(b"GBK-EUC-H", b"CIDFontType2", b"GB1", b"1 95 500"), stream(program))
silent("identity", two_bytes(own), composite(b"Identity-H", b"CIDFontType2", b"Identity", advances), stream(program))

# A bare CFF program, whose glyphs have names, or numbers in a collection, and nothing in the document says more.
characters = sorted(set(LINE))


def number_in_gb1(character):
    """Adobe-GB1: printable ASCII from 1 on, the first level of GB 2312 from 940 on, 94 a row."""
    if character.isascii():
        return ord(character) - 31
    row, column = character.encode("gb2312")
    return 940 + (row - 0xB0) * 94 + (column - 0xA1)


def compact(name_of, collection=None, encoded=False, wrapped=False):
    shapes, drawings = face.getGlyphSet(), {}
    for name, shape in [(".notdef", None), *((name_of(each), glyphs[ord(each)]) for each in characters)]:
        pen = T2CharStringPen(1000, shapes)
        if shape:
            shapes[shape].draw(pen)
        drawings[name] = pen.getCharString()
    builder = FontBuilder(per_em, isTTF=False)
    builder.setupGlyphOrder(list(drawings))
    builder.setupCFF("Face", {}, drawings, {})
    fonts = builder.font["CFF "].cff
    top = fonts[0]
    if encoded:
        top.Encoding = [".notdef"] * 33 + list(drawings)[1:] + [".notdef"] * (256 - 33 - len(characters))
    if collection:
        part = cffLib.FontDict()
        part.Private = top.Private
        del top.Private
        top.ROS, top.CIDCount = ("Adobe", collection, 2), 30000
        top.FDArray, top.FDSelect = cffLib.FDArrayIndex(), cffLib.FDSelect()
        top.FDArray.append(part)
        top.FDSelect.format, top.FDSelect.gidArray = 0, [0] * len(drawings)
    out = io.BytesIO()
    if wrapped:
        builder.setupHorizontalMetrics({name: (1000, 0) for name in drawings})
        builder.setupHorizontalHeader(ascent=800, descent=-200)
        builder.setupPost(keepGlyphNames=False)
        builder.font.save(out)
    else:
        fonts.compile(out, builder.font, isCFF2=False)
    return out.getvalue()


def advances_of(number):
    return b" ".join(b"%d [%d]" % (number(each), widths[glyphs[ord(each)]][0] * 1000 // per_em) for each in characters)


def own_name(character):
    return f"uni{ord(character):04X}"


place = {character: number for number, character in enumerate(characters, 1)}
bare = b"/Subtype /CIDFontType0C"
silent("names", two_bytes(place[each] for each in LINE),
       composite(b"Identity-H", b"CIDFontType0", b"Identity", advances_of(place.get)),
       stream(compact(own_name), bare), b"FontFile3")
silent("wrapped", two_bytes(place[each] for each in LINE),
       composite(b"Identity-H", b"CIDFontType0", b"Identity", advances_of(place.get)),
       stream(compact(own_name, wrapped=True), b"/Subtype /OpenType"), b"FontFile3")
silent("numbers", two_bytes(number_in_gb1(each) for each in LINE),
       composite(b"Identity-H", b"CIDFontType0", b"Identity", advances_of(number_in_gb1)),
       stream(compact(lambda each: f"cid{number_in_gb1(each):05d}", collection="GB1"), bare), b"FontFile3")
simple = (b"<< /Type /Font /Subtype /Type1 /BaseFont /ABCDEF+Face /FirstChar 33 /LastChar %d /Widths [%s] /FontDescriptor 7 0 R >>"
          % (32 + len(characters), b" ".join(b"%d" % (widths[glyphs[ord(each)]][0] * 1000 // per_em) for each in characters)))
silent("simple", bytes(32 + place[each] for each in LINE), [simple, b"null"],
       stream(compact(own_name, encoded=True), b"/Subtype /Type1C"), b"FontFile3")
