"""Documents with a keyword, by other people's software: FONT, a file with Chinese characters, and a folder to write to."""
import io
import sys

import fitz
from fontTools import subset, ttLib
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


def silent(name, encoding, ordering, codes, advances):
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Count 1 /Kids [3 0 R] >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>",
        b"BT /F1 16 Tf 72 500 Td <" + codes.hex().encode() + b"> Tj ET",
        b"<< /Type /Font /Subtype /Type0 /BaseFont /ABCDEF+Face /Encoding /" + encoding + b" /DescendantFonts [6 0 R] >>",
        b"<< /Type /Font /Subtype /CIDFontType2 /BaseFont /ABCDEF+Face /CIDSystemInfo << /Registry (Adobe) /Ordering ("
        + ordering + b") /Supplement 2 >> /DW 1000 /W [" + advances + b"] /CIDToGIDMap /Identity /FontDescriptor 7 0 R >>",
        b"<< /Type /FontDescriptor /FontName /ABCDEF+Face /Flags 4 /FontBBox [0 -200 1000 800] /ItalicAngle 0 /Ascent 800"
        b" /Descent -200 /CapHeight 700 /StemV 80 /FontFile2 8 0 R >>",
        program,
    ]
    out = b"%PDF-1.5\n"
    table = b"xref\n0 9\n0000000000 65535 f \n"
    for number, body in enumerate(objects, 1):
        table += b"%010d 00000 n \n" % len(out)
        if number in (4, 8):
            body = b"<< /Length %d >>\nstream\n" % len(body) + body + b"\nendstream"
        out += b"%d 0 obj\n" % number + body + b"\nendobj\n"
    out += table + b"trailer\n<< /Size 9 /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % len(out)
    open(f"{folder}/{name}.pdf", "wb").write(out)


silent("collection", b"GBK-EUC-H", b"GB1", LINE.encode("gbk"), b"1 95 500")
drawn = [face.getGlyphID(glyphs[ord(character)]) for character in LINE]
per_em = face["head"].unitsPerEm
advances = b" ".join(b"%d [%d]" % (face.getGlyphID(name), width * 1000 // per_em) for name, (width, _) in widths.metrics.items())
silent("identity", b"Identity-H", b"Identity", b"".join(glyph.to_bytes(2, "big") for glyph in drawn), advances)
