"""Makes signed PDFs with pyHanko and changes them, and says of each what is known of it: what experts on the standard call
permitted after a signature, and what not. Usage: pyhanko_cases.py FOLDER. Writes the files and manifest.tsv."""

import datetime
import io
import subprocess
import sys
from pathlib import Path

from asn1crypto import keys, x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.content import RawContent
from pyhanko.pdf_utils.generic import pdf_name, pdf_string
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.layout import BoxConstraints
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.pdf_utils.writer import PageObject, PdfFileWriter
from pyhanko.sign import PdfTimeStamper, fields, signers
from pyhanko.sign.timestamps import DummyTimeStamper
from pyhanko.sign.validation.dss import DocumentSecurityStore
from pyhanko_certvalidator.registry import SimpleCertificateStore

try:
    import pymupdf
except ImportError:  # then nothing is made by a viewer
    pymupdf = None

FOLDER = Path(sys.argv[1])
CASES = []


def case(label):
    """Registers a function that gives the bytes of a document, or a dictionary of several."""

    def register(make):
        CASES.append((make.__name__, label, make))
        return make

    return register


# Keys and certificates.

START = datetime.datetime(2020, 1, 1, tzinfo=datetime.timezone.utc)


def certify(name, key, issuer=None, issuer_key=None, usage=None):
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(START)
        .not_valid_after(START + datetime.timedelta(days=20 * 365))
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
    )
    if issuer is not None:
        bits = dict.fromkeys(
            ['key_encipherment', 'data_encipherment', 'key_agreement', 'key_cert_sign', 'crl_sign', 'encipher_only',
             'decipher_only'], False)
        builder = builder.add_extension(
            x509.KeyUsage(digital_signature=True, content_commitment=True, **bits), critical=True)
    if usage is not None:
        builder = builder.add_extension(x509.ExtendedKeyUsage([usage]), critical=True)
    by = issuer_key or key
    digest = None if isinstance(by, (ed25519.Ed25519PrivateKey, ed448.Ed448PrivateKey)) else hashes.SHA256()
    return builder.sign(by, digest)


def to_asn1(certificate):
    return asn1_x509.Certificate.load(certificate.public_bytes(serialization.Encoding.DER))


def to_key(key):
    der = key.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return keys.PrivateKeyInfo.load(der)


CA_KEY = ec.generate_private_key(ec.SECP256R1())
CA = certify('A test authority', CA_KEY)


def signer(key, **options):
    certificate = certify('A signer', key, CA, CA_KEY)
    store = SimpleCertificateStore()
    store.register(to_asn1(CA))
    return signers.SimpleSigner(
        signing_cert=to_asn1(certificate), signing_key=to_key(key), cert_registry=store, **options)


SIGNER = signer(ec.generate_private_key(ec.SECP256R1()))
RSA_KEY = rsa.generate_private_key(65537, 2048)
TSA_KEY = rsa.generate_private_key(65537, 2048)
TSA = DummyTimeStamper(
    tsa_cert=to_asn1(certify('A time stamper', TSA_KEY, CA, CA_KEY, ExtendedKeyUsageOID.TIME_STAMPING)),
    tsa_key=to_key(TSA_KEY))
PADES = fields.SigSeedSubFilter.PADES
XMP = (b'<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">'
       b'<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"/></x:xmpmeta><?xpacket end="w"?>')


# Documents.

def page(writer, text):
    content = writer.add_object(generic.StreamObject(stream_data=b'BT /F1 24 Tf 50 700 Td (%s) Tj ET' % text))
    font = generic.DictionaryObject({
        pdf_name('/Type'): pdf_name('/Font'), pdf_name('/Subtype'): pdf_name('/Type1'),
        pdf_name('/BaseFont'): pdf_name('/Helvetica')})
    resources = generic.DictionaryObject({
        pdf_name('/Font'): generic.DictionaryObject({pdf_name('/F1'): writer.add_object(font)})})
    return PageObject(contents=content, media_box=generic.ArrayObject(map(generic.NumberObject, [0, 0, 595, 842])),
                      resources=resources)


def plain(pages=1, streams=False, signature_fields=(), extra=None):
    writer = PdfFileWriter(stream_xrefs=streams)
    for number in range(pages):
        writer.insert_page(page(writer, b'Contract, page %d' % (number + 1)))
    for name in signature_fields:
        fields.append_signature_field(writer, fields.SigFieldSpec(name, box=(50, 50, 150, 100)))
    if extra:
        extra(writer)
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def text_field(writer, name, value, parent=None):
    look = RawContent(box=BoxConstraints(height=20, width=100), data=b'BT /F1 12 Tf (%s) Tj ET' % value.encode())
    field = generic.DictionaryObject({
        pdf_name('/FT'): pdf_name('/Tx'), pdf_name('/T'): pdf_string(name), pdf_name('/V'): pdf_string(value),
        pdf_name('/Type'): pdf_name('/Annot'), pdf_name('/Subtype'): pdf_name('/Widget'),
        pdf_name('/Rect'): generic.ArrayObject(map(generic.NumberObject, [50, 400, 150, 420])),
        pdf_name('/F'): generic.NumberObject(4),
        pdf_name('/AP'): generic.DictionaryObject({pdf_name('/N'): writer.add_object(look.as_form_xobject())})})
    if parent is not None:
        field['/Parent'] = parent
    return writer.add_object(field)


def form(writer):
    """A text field of its own, and a group of two."""
    own = text_field(writer, 'Person', 'nobody')
    group = generic.DictionaryObject({pdf_name('/T'): pdf_string('Group')})
    parent = writer.add_object(group)
    kids = [text_field(writer, name, 'nothing', parent) for name in ('First', 'Second')]
    group['/Kids'] = generic.ArrayObject(kids)
    all_fields = [own, parent]
    sheet = writer.root['/Pages']['/Kids'][0].get_object()
    annotations = sheet.get('/Annots', generic.ArrayObject())
    annotations.extend([own, *kids])
    sheet['/Annots'] = annotations
    if '/AcroForm' in writer.root:
        writer.root['/AcroForm']['/Fields'].extend(all_fields)
    else:
        writer.root['/AcroForm'] = writer.add_object(generic.DictionaryObject({
            pdf_name('/Fields'): generic.ArrayObject(all_fields)}))


FORM = plain(signature_fields=['Sig1', 'Sig2'], extra=form)
TWO_FIELDS = plain(signature_fields=['Sig1', 'Sig2'])


def updating(document):
    return IncrementalPdfFileWriter(io.BytesIO(document), strict=False)


def updated(document, change):
    writer = updating(document)
    writer._update_meta = lambda: None  # nothing else is to change
    change(writer)
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def sign(document, name='Sig1', by=None, spec=None, stamper=None, prepare=None, existing=False, **meta):
    writer = updating(document)
    if prepare:
        prepare(writer)
    pdf_signer = signers.PdfSigner(
        signers.PdfSignatureMetadata(field_name=name, md_algorithm=meta.pop('md_algorithm', 'sha256'), **meta),
        signer=by or SIGNER, new_field_spec=spec, timestamper=stamper)
    # What must not be signed is signed here all the same.
    pdf_signer._enforce_certification_constraints = lambda _: None
    return pdf_signer.sign_pdf(writer, existing_fields_only=existing).getvalue()


def certified(document, level, name='Sig1', **options):
    return sign(document, name, certify=True, docmdp_permissions=fields.MDPPerm(level), **options)


def stamped(document):
    return PdfTimeStamper(TSA).timestamp_pdf(updating(document), md_algorithm='sha256').getvalue()


def with_store(document, certificates, contents=None):
    out = io.BytesIO(document)
    DocumentSecurityStore.add_dss(out, contents, certs=certificates)
    return out.getvalue()


def contents_of(document, index=0):
    return PdfFileReader(io.BytesIO(document), strict=False).embedded_signatures[index].sig_object['/Contents']


def root(change):
    """An update of the catalog."""

    def apply(writer):
        change(writer, writer.root)
        writer.update_root()

    return apply


def field(name, change):
    def apply(writer):
        for reference in writer.root['/AcroForm']['/Fields']:
            node = reference.get_object()
            if node['/T'] == name:
                change(writer, node)
                writer.update_container(node)

    return apply


def fill(value, look=None):
    def apply(writer, node):
        node['/V'] = pdf_string(value)
        drawn = RawContent(box=BoxConstraints(height=20, width=100),
                           data=b'BT /F1 12 Tf (%s) Tj ET' % (look or value).encode())
        node['/AP'] = generic.DictionaryObject({pdf_name('/N'): writer.add_object(drawn.as_form_xobject())})
        writer.update_container(node)

    return apply


def in_group(index, value):
    def apply(writer):
        fill(value)(writer, writer.root['/AcroForm']['/Fields'][3].get_object()['/Kids'][index].get_object())

    return apply


def sheet(change):
    """An update of the first page."""

    def apply(writer):
        node = writer.root['/Pages']['/Kids'][0].get_object()
        change(writer, node)
        writer.update_container(node)

    return apply


def annotate(kind, draw=None):
    def apply(writer, node):
        comment = generic.DictionaryObject({
            pdf_name('/Type'): pdf_name('/Annot'), pdf_name('/Subtype'): pdf_name('/' + kind),
            pdf_name('/Rect'): generic.ArrayObject(map(generic.NumberObject, [40, 680, 300, 740])),
            pdf_name('/Contents'): pdf_string('void')})
        if draw:
            look = RawContent(box=BoxConstraints(height=60, width=260), data=draw).as_form_xobject()
            multiplied = generic.DictionaryObject({pdf_name('/BM'): pdf_name('/Multiply')})
            states = generic.DictionaryObject({pdf_name('/M'): multiplied})
            look['/Resources'] = generic.DictionaryObject({pdf_name('/ExtGState'): states})
            comment['/AP'] = generic.DictionaryObject({pdf_name('/N'): writer.add_object(look)})
        annotations = generic.ArrayObject(node.get('/Annots', generic.ArrayObject()))
        annotations.append(writer.add_object(comment))
        node['/Annots'] = annotations

    return apply


# What is permitted.

@case('good')
def signed_once():
    bases = {'table': plain(), 'streams': plain(streams=True), 'pages': plain(pages=3), 'field': TWO_FIELDS, 'form': FORM}
    return {name: sign(base) for name, base in bases.items()}


@case('good')
def algorithms():
    p = lambda curve: ec.generate_private_key(curve)
    made = {
        'rsa': sign(plain(), by=signer(RSA_KEY)),
        'rsa-sha512': sign(plain(), by=signer(RSA_KEY), md_algorithm='sha512'),
        'rsa-sha1': sign(plain(), by=signer(RSA_KEY), md_algorithm='sha1'),
        'rsa-pss': sign(plain(), by=signer(RSA_KEY, prefer_pss=True)),
        'rsa-pss-384': sign(plain(), by=signer(RSA_KEY, prefer_pss=True), md_algorithm='sha384'),
        'p256-sha512': sign(plain(), md_algorithm='sha512'),
        'p384': sign(plain(), by=signer(p(ec.SECP384R1())), md_algorithm='sha384'),
        'p521': sign(plain(), by=signer(p(ec.SECP521R1())), md_algorithm='sha512'),
        'brainpool256': sign(plain(), by=signer(p(ec.BrainpoolP256R1()))),
        'brainpool384': sign(plain(), by=signer(p(ec.BrainpoolP384R1())), md_algorithm='sha384'),
        'ed25519': sign(plain(), by=signer(ed25519.Ed25519PrivateKey.generate()), md_algorithm='sha512'),
        'cades': sign(plain(), subfilter=PADES),
        'cades-stamped': sign(plain(), subfilter=PADES, stamper=TSA),
    }
    return made


@case('good')
def signed_twice():
    made = {}
    information = lambda writer: writer.set_info(generic.DictionaryObject({pdf_name('/Title'): pdf_string('Hello')}))
    for name, base in {'table': plain(), 'streams': plain(streams=True), 'pages': plain(pages=2), 'field': TWO_FIELDS}.items():
        first = sign(base)
        made[name] = sign(first, 'SigNew')
        made[name + '-information'] = sign(first, 'SigNew', prepare=information)
        visible = fields.SigFieldSpec('SigNew', box=(10, 74, 140, 134))
        made[name + '-visible'] = sign(first, 'SigNew', spec=visible)
        apart = fields.SigFieldSpec('SigNew', box=(10, 74, 140, 134), combine_annotation=False)
        made[name + '-apart'] = sign(sign(base, spec=fields.SigFieldSpec(
            'Sig1', box=(10, 10, 40, 40), combine_annotation=False) if base is not TWO_FIELDS else None), 'SigNew', spec=apart)
    return made


@case('good')
def a_second_signature_with_rearranged_annotations():
    def indirect(writer, node):
        node['/Annots'] = writer.add_object(generic.ArrayObject(node['/Annots']))

    first = sign(TWO_FIELDS)
    return sign(updated(first, sheet(indirect)), 'SigNew', spec=fields.SigFieldSpec('SigNew', box=(10, 10, 40, 40)))


@case('good')
def a_field_below_another_one_is_signed():
    def deep(writer):
        fields._insert_or_get_field_at(
            writer, writer.root['/AcroForm']['/Fields'], ('Deep', 'Sig3'),
            field_obj=fields.SignatureFormField('Sig3', include_on_page=writer.root['/Pages']['/Kids'].raw_get(0)))

    return sign(certified(TWO_FIELDS, 2, prepare=deep), 'Deep.Sig3', existing=True)


@case('good')
def forms_are_filled():
    first = sign(FORM)
    before = sign(updated(FORM, field('Person', fill('somebody'))))
    return {
        'once': updated(first, field('Person', fill('somebody'))),
        'again': updated(before, field('Person', fill('anybody'))),
        'group': updated(first, in_group(0, 'one')),
        'group-both': updated(updated(first, in_group(0, 'one')), in_group(1, 'two')),
        'certified': updated(certified(FORM, 2), field('Person', fill('somebody'))),
        'then-signed': sign(updated(certified(FORM, 2), field('Person', fill('somebody'))), 'Sig2', existing=True),
    }


def locking(action, names=None):
    return lambda writer: fields.append_signature_field(writer, fields.SigFieldSpec(
        'SigNew', box=(10, 74, 140, 134), field_mdp_spec=fields.FieldMDPSpec(action, fields=names),
        doc_mdp_update_value=fields.MDPPerm.FILL_FORMS))


INCLUDE, EXCLUDE, ALL = fields.FieldMDPAction.INCLUDE, fields.FieldMDPAction.EXCLUDE, fields.FieldMDPAction.ALL


@case('good')
def fields_are_filled_that_are_not_locked():
    locks = {'include': (INCLUDE, ['Group.First']), 'exclude': (EXCLUDE, ['Group.Second']), 'exclude-group': (EXCLUDE, ['Group']),
             'other': (INCLUDE, ['Sig1'])}
    return {name: updated(sign(FORM, 'SigNew', prepare=locking(*lock), existing=True), in_group(1, 'two'))
            for name, lock in locks.items()}


@case('good')
def certified_then_signed():
    return {str(level): sign(certified(TWO_FIELDS, level), 'Sig2', existing=True) for level in (2, 3)}


@case('good')
def data_for_later():
    certificates = [to_asn1(CA), SIGNER.signing_cert]
    first = sign(TWO_FIELDS, subfilter=PADES)
    final = certified(TWO_FIELDS, 1, subfilter=PADES)
    locked = sign(FORM, 'SigNew', prepare=locking(ALL), existing=True, subfilter=PADES)
    stored = with_store(first, certificates, contents_of(first))
    return {
        'store': stored,
        'store-stamp': stamped(stored),
        'store-stamp-store': with_store(stamped(stored), [TSA.tsa_cert]),
        'store-stamp-store-stamp': stamped(with_store(stamped(stored), [TSA.tsa_cert])),
        'final': stamped(with_store(final, certificates, contents_of(final))),
        'locked': stamped(with_store(locked, certificates, contents_of(locked))),
        'stamp-sign': sign(stamped(first), 'Sig2', existing=True),
        'second': with_store(sign(stored, 'Sig2', existing=True), [TSA.tsa_cert]),
    }


@case('good')
def harmless_updates():
    first = sign(TWO_FIELDS)

    def extensions(indirect):
        def apply(writer, catalog):
            value = generic.DictionaryObject({pdf_name('/ESIC'): generic.DictionaryObject({
                pdf_name('/BaseVersion'): pdf_name('/1.7'), pdf_name('/ExtensionLevel'): generic.NumberObject(2)})})
            catalog['/Extensions'] = writer.add_object(value) if indirect else value

        return root(apply)

    def metadata(writer, catalog):
        catalog['/Metadata'] = writer.add_object(generic.StreamObject(
            {pdf_name('/Type'): pdf_name('/Metadata'), pdf_name('/Subtype'): pdf_name('/XML')}, stream_data=XMP))

    def fonts(writer, catalog):
        font = writer.add_object(generic.DictionaryObject({
            pdf_name('/Type'): pdf_name('/Font'), pdf_name('/Subtype'): pdf_name('/Type1'),
            pdf_name('/BaseFont'): pdf_name('/Courier')}))
        catalog['/AcroForm']['/DR'] = generic.DictionaryObject({
            pdf_name('/Font'): generic.DictionaryObject({pdf_name('/Cour'): font})})
        writer.update_container(catalog['/AcroForm'])

    def moved(writer, node):
        node['/Resources'] = writer.add_object(node['/Resources'].get_object())

    def flags(writer, catalog):
        catalog['/AcroForm']['/SigFlags'] = generic.NumberObject(3)
        writer.update_container(catalog['/AcroForm'])

    def same(writer):
        node = writer.root['/Pages']['/Kids'][0].get_object()
        writer.update_container(node)

    return {
        'orphan': updated(first, lambda writer: writer.add_object(pdf_string('nobody looks here'))),
        'extensions': updated(first, extensions(False)),
        'extensions-indirect': updated(first, extensions(True)),
        'extensions-twice': updated(updated(first, extensions(True)), extensions(False)),
        'metadata': updated(first, root(metadata)),
        'information': updated(first, lambda writer: writer.set_info(generic.DictionaryObject(
            {pdf_name('/Title'): pdf_string('Hello')}))),
        'fonts': updated(first, root(fonts)),
        'resources-moved': updated(first, sheet(moved)),
        'flags': updated(first, root(flags)),
        'same-again': updated(first, same),
        'junk-behind': first + b'\r\n<html>served in 3 ms</html>\n',
        'lines-behind': first + b'\r\n\r\n',
    }


@case('good')
def looks_of_empty_fields_are_replaced():
    def look(indirect):
        def apply(writer):
            node = writer.root['/AcroForm']['/Fields'][1].get_object()
            drawn = RawContent(box=BoxConstraints(height=50, width=100), data=b'0 0 100 50 re S').as_form_xobject()
            states = generic.DictionaryObject({pdf_name('/N'): writer.add_object(drawn)})
            node['/AP'] = writer.add_object(states) if indirect else states
            writer.update_container(node)

        return apply

    made = {}
    for name, indirect in (('direct', False), ('indirect', True)):
        made[name] = sign(sign(updated(TWO_FIELDS, look(indirect))), 'Sig2', existing=True)
    completed = updated(TWO_FIELDS, field('Sig2', lambda writer, node: node.pop('/Type', None)))
    made['type-added'] = sign(sign(completed), 'Sig2', existing=True, prepare=field(
        'Sig2', lambda writer, node: node.update({pdf_name('/Type'): pdf_name('/Annot')})))
    return made


@case('good')
def comments_that_are_permitted():
    mark = b'/M gs 1 1 0 rg 0 0 260 60 re f'
    first = certified(TWO_FIELDS, 3)
    return {
        'text': updated(first, sheet(annotate('Text'))),
        'highlight': updated(first, sheet(annotate('Highlight', mark))),
        'approved': updated(sign(first, 'Sig2', existing=True), sheet(annotate('Text'))),
    }


@case('good')
def other_writers():
    made = {}
    for name, options in {
        'linearized': ['--linearize'],
        'object-streams': ['--object-streams=generate'],
        'linearized-object-streams': ['--linearize', '--object-streams=generate'],
        'aes256': ['--encrypt', '', 'owner', '256', '--'],
        'aes128': ['--encrypt', '', 'owner', '128', '--use-aes=y', '--'],
        'rc4': ['--allow-weak-crypto', '--encrypt', '', 'owner', '128', '--use-aes=n', '--'],
    }.items():
        path, out = FOLDER / 'in.pdf', FOLDER / 'out.pdf'
        path.write_bytes(FORM)
        try:
            subprocess.run(['qpdf', *options, path, out], check=True, capture_output=True)
        except (OSError, subprocess.CalledProcessError):
            continue
        finally:
            path.unlink()
        document = out.read_bytes()
        out.unlink()
        opened = (lambda writer: writer.encrypt('')) if 'crypt' in ' '.join(options) else None
        first = sign(document, prepare=opened)
        made[name] = first
        made[name + '-twice'] = sign(first, 'Sig2', prepare=opened, existing=True)
    return made


# What is not.

@case('modified')
def pages_are_changed():
    first = sign(plain(pages=2))
    sneaky = lambda writer: RawContent(b'q BT /F1 18 Tf 0 50 Td (Sneaky) Tj ET Q').add_to_page(writer, 0)

    def tree(kids):
        def apply(writer):
            pages = writer.root['/Pages']
            pages['/Kids'] = kids(pages['/Kids'])
            writer.update_container(pages)

        return apply

    def font(writer, node):
        other = node['/Resources']['/Font'].raw_get('/F1').get_object()
        other['/BaseFont'] = pdf_name('/Courier')
        writer.mark_update(node['/Resources']['/Font'].raw_get('/F1'))

    def box(writer, node):
        node['/MediaBox'] = generic.ArrayObject(map(generic.NumberObject, [0, 0, 300, 300]))

    return {
        'content': updated(first, sneaky),
        'page-removed': updated(first, tree(lambda kids: generic.ArrayObject([kids.raw_get(0)]))),
        'pages-swapped': updated(first, tree(lambda kids: generic.ArrayObject([kids.raw_get(1), kids.raw_get(0)]))),
        'no-kids': updated(first, tree(lambda kids: generic.ArrayObject())),
        'null-kids': updated(first, tree(lambda kids: generic.ArrayObject([generic.NullObject()]))),
        'font': updated(first, sheet(font)),
        'box': updated(first, sheet(box)),
        'then-signed': sign(updated(first, sneaky), 'SigNew'),
        'then-stamped': stamped(updated(first, sneaky)),
    }


@case('modified')
def the_catalog_is_changed():
    first = sign(TWO_FIELDS)
    entry = lambda writer, catalog: catalog.update({pdf_name('/Blah'): writer.add_object(pdf_string('x'))})
    action = lambda writer, catalog: catalog.update({pdf_name('/OpenAction'): generic.DictionaryObject({
        pdf_name('/S'): pdf_name('/URI'), pdf_name('/URI'): pdf_string('http://x')})})
    bogus = lambda writer, catalog: catalog.update({pdf_name('/DSS'): pdf_string('no dictionary')})
    return {'entry': updated(first, root(entry)), 'action': updated(first, root(action)), 'store': updated(first, root(bogus))}


@case('modified')
def metadata_are_spoilt():
    def with_metadata(data):
        def apply(writer, catalog):
            catalog['/Metadata'] = writer.add_object(generic.StreamObject(stream_data=data))

        return root(apply)

    first = sign(updated(TWO_FIELDS, with_metadata(XMP)))
    gone = lambda writer, catalog: catalog.update({pdf_name('/Metadata'): generic.NullObject()})
    return {'bogus': updated(first, with_metadata(b'This is bogus')), 'gone': updated(first, root(gone))}


@case('modified')
def fields_are_changed():
    first = sign(FORM)
    both = sign(sign(TWO_FIELDS), 'Sig2', existing=True)

    def more(kind):
        def apply(writer):
            entries = {pdf_name('/T'): pdf_string('More'), pdf_name('/V'): pdf_string('x')}
            if kind:
                entries[pdf_name('/FT')] = pdf_name(kind)
            writer.root['/AcroForm']['/Fields'].append(writer.add_object(generic.DictionaryObject(entries)))
            writer.update_container(writer.root['/AcroForm']['/Fields'])

        return apply

    set_to = lambda name, key, value: field(name, lambda writer, node: node.update({pdf_name(key): value}))
    return {
        'kind': updated(first, set_to('Person', '/FT', pdf_name('/Sig'))),
        'kids-name': updated(first, set_to('Person', '/Kids', pdf_name('/Test'))),
        'kids-empty': updated(first, set_to('Person', '/Kids', generic.ArrayObject())),
        'kids-null': updated(first, set_to('Person', '/Kids', generic.ArrayObject([generic.NullObject()]))),
        'more': updated(first, more('/Tx')),
        'more-without-kind': updated(first, more(None)),
        'look-only': updated(first, field('Person', lambda writer, node: fill(str(node['/V']), 'Attacker')(writer, node))),
        'name-gone': updated(sign(TWO_FIELDS), set_to('Sig2', '/T', generic.NullObject())),
        'name-taken': updated(sign(TWO_FIELDS), set_to('Sig2', '/T', pdf_string('Sig1'))),
        'signature-deleted': updated(both, field('Sig1', lambda writer, node: node.pop('/V'))),
        'type': sign(sign(TWO_FIELDS), 'Sig2', existing=True, prepare=set_to('Sig2', '/Type', pdf_name('/Foo'))),
        'look-of-signed': updated(both, set_to('Sig1', '/AP', generic.NullObject())),
    }


@case('modified')
def locked_fields_are_filled():
    made = {}
    locks = {'include': (INCLUDE, ['Group.First']), 'exclude': (EXCLUDE, ['Group.Second']), 'include-group': (INCLUDE, ['Group']),
             'all': (ALL, None), 'exclude-other': (EXCLUDE, ['Sig1'])}
    for name, lock in locks.items():
        locked = sign(FORM, 'SigNew', prepare=locking(*lock), existing=True)
        made[name] = updated(locked, in_group(0, 'other'))
    made['final'] = updated(certified(FORM, 1), field('Person', fill('somebody')))
    made['signed-all'] = sign(sign(FORM, 'SigNew', prepare=locking(ALL), existing=True), 'Sig2', existing=True)
    return made


@case('modified')
def signatures_that_nobody_asked_for():
    visible = fields.SigFieldSpec('SigNew', box=(10, 74, 140, 134))
    return {
        'final': sign(certified(TWO_FIELDS, 1), 'Sig2', existing=True),
        'visible-2': sign(certified(TWO_FIELDS, 2), 'SigNew', spec=visible),
        'visible-3': sign(certified(TWO_FIELDS, 3), 'SigNew', spec=visible),
    }


@case('modified')
def comments_that_are_not_permitted():
    cover = b'1 1 1 rg 0 0 260 60 re f'
    words = b'BT /F1 24 Tf 0 20 Td (Another contract) Tj ET'
    return {
        'approval': updated(sign(TWO_FIELDS), sheet(annotate('Text'))),
        'certified-2': updated(certified(TWO_FIELDS, 2), sheet(annotate('Text'))),
        'certified-1': updated(certified(TWO_FIELDS, 1), sheet(annotate('Text'))),
        'covering': updated(certified(TWO_FIELDS, 3), sheet(annotate('FreeText', cover))),
        'stamp': updated(certified(TWO_FIELDS, 3), sheet(annotate('Stamp', cover))),
        'highlight-that-hides': updated(certified(TWO_FIELDS, 3), sheet(annotate('Highlight', cover))),
        'ink-that-hides': updated(certified(TWO_FIELDS, 3), sheet(annotate('Ink', cover))),
        'highlight-with-words': updated(certified(TWO_FIELDS, 3), sheet(annotate('Highlight', words))),
        'link': updated(sign(TWO_FIELDS), sheet(annotate('Link'))),
    }


@case('modified')
def the_signature_itself_is_changed():
    first = sign(TWO_FIELDS)

    def reason(writer):
        value = writer.root['/AcroForm']['/Fields'][0].get_object().raw_get('/V')
        value.get_object()['/Reason'] = pdf_string('forged')
        writer.mark_update(value)

    def no_annotation(writer, node):
        del node['/Annots']

    return {
        'reason': updated(first, reason),
        'annotation-deleted': updated(first, sheet(no_annotation)),
        'widget-moved': updated(first, field('Sig1', lambda writer, node: node.update(
            {pdf_name('/Rect'): generic.ArrayObject(map(generic.NumberObject, [300, 300, 400, 400]))}))),
    }


@case('modified')
def objects_that_are_something_else_besides():
    def look_elsewhere(where):
        def apply(writer):
            node = writer.root['/AcroForm']['/Fields'][1].get_object()
            drawn = RawContent(box=BoxConstraints(height=50, width=100), data=b'0 0 100 50 re S').as_form_xobject()
            reference = writer.add_object(drawn)
            node['/AP'] = generic.DictionaryObject({pdf_name('/N'): reference})
            writer.update_container(node)
            if where == 'catalog':
                writer.root['/FooBar'] = reference
                writer.update_root()
            else:
                writer.trailer['/FooBar'] = reference

        return apply

    def overwrite(writer):
        reference = writer.root['/AcroForm']['/Fields'][1].get_object()['/AP'].raw_get('/N')
        look = reference.get_object()
        look._data = b'BT (Attacker) Tj ET'
        look._encoded_data = None
        writer.mark_update(reference)

    made = {}
    for where in ('catalog', 'trailer'):
        first = sign(updated(TWO_FIELDS, look_elsewhere(where)))
        made[where] = sign(first, 'Sig2', existing=True, prepare=overwrite)

    def shared_list(writer, catalog):
        shared = writer.add_object(generic.ArrayObject(catalog['/AcroForm']['/Fields']))
        catalog['/AcroForm']['/Fields'] = catalog['/Blah'] = shared
        writer.update_container(catalog['/AcroForm'])

    made['list'] = sign(sign(updated(TWO_FIELDS, root(shared_list))), 'SigNew')

    def store_is_content(writer, catalog):
        catalog['/DSS'] = writer.root['/Pages']['/Kids'][0].get_object().raw_get('/Contents')

    def content(writer):
        reference = writer.root['/Pages']['/Kids'][0].get_object().raw_get('/Contents')
        stream = reference.get_object()
        stream._data = stream.data + b' q Q'
        stream._encoded_data = None
        writer.mark_update(reference)

    made['store'] = updated(sign(updated(TWO_FIELDS, root(store_is_content))), content)
    return made


@case('unsigned')
def a_time_stamp_alone():
    return stamped(plain())


@case('modified')
def what_was_stamped_is_changed():
    sneaky = lambda writer: RawContent(b'q BT /F1 18 Tf 0 50 Td (Sneaky) Tj ET Q').add_to_page(writer, 0)
    return updated(stamped(plain()), sneaky)


@case('broken')
def bytes_are_changed():
    first = bytearray(sign(plain()))
    at = first.find(b'Contract') if b'Contract' in first else first.find(b'stream') + 20
    first[at] ^= 1
    short = sign(plain())
    return {'content': bytes(first), 'cut': short[:-20]}


# By the engine of a viewer, which saves its changes as an update.

def drawn_form():
    document = pymupdf.open()
    sheet = document.new_page()
    sheet.insert_text((72, 72), 'Contract', fontsize=20)
    kinds = {'text': pymupdf.PDF_WIDGET_TYPE_TEXT, 'lines': pymupdf.PDF_WIDGET_TYPE_TEXT, 'check': pymupdf.PDF_WIDGET_TYPE_CHECKBOX,
             'combo': pymupdf.PDF_WIDGET_TYPE_COMBOBOX, 'list': pymupdf.PDF_WIDGET_TYPE_LISTBOX}
    for number, (name, kind) in enumerate(kinds.items()):
        widget = pymupdf.Widget()
        widget.field_name, widget.field_type = name, kind
        widget.rect = pymupdf.Rect(72, 100 + 60 * number, 200, 150 + 60 * number)
        widget.field_flags = 4096 if name == 'lines' else 0  # several lines
        if name in ('combo', 'list'):
            widget.choice_values = ['one', 'two', 'three']
        widget.field_value = {'check': False, 'combo': 'one', 'list': 'one'}.get(name, 'nobody')
        sheet.add_widget(widget)
    document.new_page().insert_text((72, 72), 'Another page')
    return document.tobytes()


def viewed(document, change):
    path = FOLDER / 'viewed.pdf'
    path.write_bytes(document)
    try:
        with pymupdf.open(path) as opened:
            change(opened)
            opened.saveIncr()
        return path.read_bytes()
    finally:
        path.unlink()


def filling(values):
    def apply(document):
        for widget in document[0].widgets():
            if widget.field_name in values:
                widget.field_value = values[widget.field_name]
                widget.update()

    return apply


def moving(document):
    for widget in document[0].widgets():
        if widget.field_name == 'text':
            widget.rect, widget.field_value = pymupdf.Rect(40, 40, 500, 700), 'Another contract'
            widget.update()


@case('good')
def forms_are_filled_by_a_viewer():
    if pymupdf is None:
        return {}
    first = sign(drawn_form())
    ways = {'text': {'text': 'somebody'}, 'lines': {'lines': 'one\ntwo'}, 'check': {'check': True}, 'combo': {'combo': 'two'},
            'list': {'list': 'three'}, 'chinese': {'text': '\u5408\u540c'},
            'all': {'text': 'somebody', 'check': True, 'combo': 'three', 'list': 'two'}}
    made = {name: viewed(first, filling(values)) for name, values in ways.items()}
    made['certified'] = viewed(certified(drawn_form(), 2), filling(ways['all']))
    made['then-signed'] = sign(made['all'], 'SigNew')
    made['metadata'] = viewed(first, lambda document: document.set_metadata({'title': 'Hello'}))
    return made


@case('good')
def marks_that_are_permitted_by_a_viewer():
    if pymupdf is None:
        return {}
    first, area = certified(drawn_form(), 3), pymupdf.Rect(60, 50, 200, 90)
    marks = {
        'highlight': lambda sheet: sheet.add_highlight_annot(area),
        'underline': lambda sheet: sheet.add_underline_annot(area),
        'strikeout': lambda sheet: sheet.add_strikeout_annot(area),
        'note': lambda sheet: sheet.add_text_annot((300, 300), 'hello'),
        'caret': lambda sheet: sheet.add_caret_annot((300, 300)),
        'ink': lambda sheet: sheet.add_ink_annot([[(100, 100), (200, 200)]]),
    }
    return {name: viewed(first, lambda document, mark=mark: mark(document[0])) for name, mark in marks.items()}


@case('modified')
def what_a_viewer_changes():
    if pymupdf is None:
        return {}
    first, third, area = sign(drawn_form()), certified(drawn_form(), 3), pymupdf.Rect(40, 40, 500, 700)
    link = {'kind': pymupdf.LINK_URI, 'from': area, 'uri': 'http://x'}
    changes = {
        'text': lambda document: document[0].insert_text((72, 400), 'Another'),
        'turned': lambda document: document[0].set_rotation(90),
        'cropped': lambda document: document[0].set_cropbox(pymupdf.Rect(0, 0, 300, 300)),
        'page-deleted': lambda document: document.delete_page(1),
        'page-added': lambda document: document.new_page(),
        'page-moved': lambda document: document.move_page(1, 0),
        'free-text': lambda document: document[0].add_freetext_annot(area, 'Another contract', fill_color=(1, 1, 1)),
        'rectangle': lambda document: document[0].add_rect_annot(area),
        'link': lambda document: document[0].insert_link(link),
        'attached': lambda document: document.embfile_add('x', b'data'),
        'layer': lambda document: document.add_ocg('x', on=0),
        'field-moved': moving,
        'outline': lambda document: document.set_toc([[1, 'x', 1]]),
    }
    covers = {
        'covered': lambda document: document[0].add_freetext_annot(area, 'Another contract', fill_color=(1, 1, 1)),
        'stamped': lambda document: document[0].add_stamp_annot(area, stamp=0),
        'polygon': lambda document: document[0].add_polygon_annot([(1, 1), (500, 1), (500, 700)]).update(fill_color=(1, 1, 1)),
    }
    made = {name: viewed(first, change) for name, change in changes.items()}
    return made | {name: viewed(third, change) for name, change in covers.items()}


def main():
    lines = ['file\tlabel']
    for name, label, make in CASES:
        made = make()
        for part, document in (made.items() if isinstance(made, dict) else [('', made)]):
            file = f'{name}{"--" if part else ""}{part}.pdf'
            (FOLDER / file).write_bytes(document)
            lines.append(f'{file}\t{label}')
    (FOLDER / 'manifest.tsv').write_text('\n'.join(lines) + '\n')


main()
