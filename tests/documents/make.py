#!/usr/bin/env python3
"""Makes contract.ofd and contract.pdf, the inputs of `make demo` and of the tests.

Run it only to change them:  pip install reportlab fonttools;  ./make.py
The text is made up for this project. The glyphs are a subset of WenQuanYi Micro Hei (Debian: fonts-wqy-microhei,
Apache-2.0), embedded in both files so that they look the same everywhere.
"""
import io, re, zipfile
from fontTools import subset
from fontTools.ttLib import TTCollection
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen import canvas

FONT = "/usr/share/fonts/truetype/wqy/wqy-microhei.ttc"
W, H = 210.0, 297.0  # A4, mm
PAGES = [
    [
        (20, "采 购 合 同", "center"), (10.5, "合同编号：ESEAL-2026-0731", "right"), (10.5, "", ""),
        (12, "甲方（采购方）：苏州星河精密制造有限公司", ""), (12, "乙方（供货方）：杭州云栖数据技术有限公司", ""), (10.5, "", ""),
        (11, "甲乙双方在平等自愿的基础上，就数据采集终端的采购事宜达成如下约定。", ""), (10.5, "", ""),
        (12, "第一条　标的", ""), (11, "乙方向甲方提供数据采集终端二百台，型号 YQ-200，含三年质量保证。", ""),
        (12, "第二条　价款", ""), (11, "单价人民币 1,250.00 元，总价人民币 250,000.00 元（大写：贰拾伍万元整）。", ""),
        (12, "第三条　交付", ""), (11, "乙方应当在合同生效之日起三十日内，将标的交付至甲方指定地点。", ""),
        (12, "第四条　验收", ""), (11, "甲方应当在收到标的之日起七日内完成验收；逾期未提出异议的，视为验收合格。", ""),
        (12, "第五条　付款", ""), (11, "验收合格后十五日内，甲方以银行转账方式一次付清全部价款。", ""),
    ],
    [
        (12, "第六条　违约责任", ""), (11, "任何一方逾期履行的，每逾期一日，应当按未履行部分价款的万分之五支付违约金。", ""),
        (12, "第七条　保密", ""), (11, "双方对在履行中知悉的对方商业秘密负有保密义务，本条在合同终止后继续有效。", ""),
        (12, "第八条　争议解决", ""), (11, "因本合同发生的争议，由双方协商解决；协商不成的，提交合同签订地人民法院。", ""),
        (12, "第九条　生效", ""), (11, "本合同自双方加盖电子印章之日起生效。电子文本与纸质文本具有同等效力。", ""),
        (10.5, "", ""), (10.5, "", ""), (12, "甲方（盖章）：　　　　　　　　　　　　乙方（盖章）：", ""),
        (10.5, "", ""), (10.5, "", ""), (10.5, "", ""), (10.5, "", ""),
        (11, "日期：2026 年 7 月 31 日　　　　　　　　日期：2026 年 7 月 31 日", ""),
    ],
]
PT = 25.4 / 72


def lines(page):
    """(x mm, baseline mm from the top, size mm, text)"""
    y = 40.0
    for size, text, align in page:
        mm = size * PT
        width = sum(mm if ord(c) > 0x2E80 else mm * 0.55 for c in text)
        x = {"center": (W - width) / 2, "right": W - 25 - width}.get(align, 25.0)
        if text:
            yield x, y, mm, text
        y += mm * 2.1


def subset_font():
    font = TTCollection(FONT).fonts[0]
    text = "".join(text for page in PAGES for _, text, _ in page) + " ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
    options = subset.Options(name_IDs=[1, 2, 4, 6], hinting=False, notdef_outline=True)
    sub = subset.Subsetter(options)
    sub.populate(text=text)
    sub.subset(font)
    font["head"].modified = font["head"].created
    font.recalcTimestamp = False
    out = io.BytesIO()
    font.save(out)
    return out.getvalue()


def make_pdf(path, font):
    pdfmetrics.registerFont(TTFont("Body", io.BytesIO(font)))
    c = canvas.Canvas(path, pagesize=(W / PT, H / PT), invariant=1)
    c.setTitle("采购合同")
    for page in PAGES:
        for x, y, mm, text in lines(page):
            c.setFont("Body", mm / PT)
            c.drawString(x / PT, (H - y) / PT, text)
        c.showPage()
    c.save()


def make_ofd(path, font):
    ns = 'xmlns:ofd="http://www.ofdspec.org/2016"'
    head = '<?xml version="1.0" encoding="UTF-8"?>\n'
    files = {
        "OFD.xml": f'<ofd:OFD {ns} Version="1.1" DocType="OFD"><ofd:DocBody><ofd:DocInfo>'
        "<ofd:DocID>0f5ea10000000000000000000000c0de</ofd:DocID><ofd:Title>采购合同</ofd:Title>"
        "<ofd:CreationDate>2026-07-31</ofd:CreationDate><ofd:Creator>eseal</ofd:Creator></ofd:DocInfo>"
        "<ofd:DocRoot>Doc_0/Document.xml</ofd:DocRoot></ofd:DocBody></ofd:OFD>",
        "Doc_0/PublicRes.xml": f'<ofd:Res {ns} BaseLoc="Res"><ofd:Fonts><ofd:Font ID="3" FontName="WenQuanYi Micro Hei" '
        'FamilyName="WenQuanYi Micro Hei"><ofd:FontFile>body.ttf</ofd:FontFile></ofd:Font></ofd:Fonts></ofd:Res>',
        "Doc_0/Res/body.ttf": font,
    }
    next_id, pages = 10, []
    for n, page in enumerate(PAGES):
        page_id, next_id = next_id, next_id + 1
        objects = []
        layer, next_id = next_id, next_id + 1
        for x, y, mm, text in lines(page):
            deltas = " ".join(f"{mm if ord(c) > 0x2E80 else mm * 0.55:.3f}" for c in text[:-1])
            width = sum(mm if ord(c) > 0x2E80 else mm * 0.55 for c in text)
            objects.append(
                f'<ofd:TextObject ID="{next_id}" Boundary="{x:.3f} {y - mm:.3f} {width + 2:.3f} {mm * 1.4:.3f}" Font="3" Size="{mm:.3f}">'
                f'<ofd:TextCode X="0" Y="{mm:.3f}" DeltaX="{deltas}">{text}</ofd:TextCode></ofd:TextObject>')
            next_id += 1
        files[f"Doc_0/Pages/Page_{n}/Content.xml"] = (
            f'<ofd:Page {ns}><ofd:Area><ofd:PhysicalBox>0 0 {W:.0f} {H:.0f}</ofd:PhysicalBox></ofd:Area><ofd:Content>'
            f'<ofd:Layer ID="{layer}">{"".join(objects)}</ofd:Layer></ofd:Content></ofd:Page>')
        pages.append(f'<ofd:Page ID="{page_id}" BaseLoc="Pages/Page_{n}/Content.xml"/>')
    files["Doc_0/Document.xml"] = (
        f'<ofd:Document {ns}><ofd:CommonData><ofd:MaxUnitID>{next_id}</ofd:MaxUnitID><ofd:PageArea>'
        f'<ofd:PhysicalBox>0 0 {W:.0f} {H:.0f}</ofd:PhysicalBox></ofd:PageArea><ofd:PublicRes>PublicRes.xml</ofd:PublicRes>'
        f'</ofd:CommonData><ofd:Pages>{"".join(pages)}</ofd:Pages></ofd:Document>')
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as z:
        for name, data in files.items():
            info = zipfile.ZipInfo(name, (2026, 7, 31, 0, 0, 0))
            info.compress_type = zipfile.ZIP_DEFLATED
            z.writestr(info, data if isinstance(data, bytes) else head + data)


if __name__ == "__main__":
    font = subset_font()
    make_pdf("contract.pdf", font)
    make_ofd("contract.ofd", font)
