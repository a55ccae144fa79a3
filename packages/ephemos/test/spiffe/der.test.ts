import { EphemosError } from 'ephemos/errors';
import { describe, expect, it } from 'vitest';
import {
  contentsOf,
  DerReader,
  encodingOf,
  equalBytes,
  readAscii,
  readBoolean,
  readFlags,
  readInteger,
  readObjectIdentifier,
  readOctetAlignedBits,
  readSmallInteger,
  readTime,
  TAG,
} from '../../src/spiffe/der.ts';
import { refusalOf } from './certificates.ts';
import { text } from './der-tree.ts';

function reader(hex: string): DerReader {
  return new DerReader(Buffer.from(hex, 'hex'));
}

function refused(call: () => unknown): void {
  expect(refusalOf(call).code).toBe('ERR_CERTIFICATE_INVALID');
}

describe('DerReader reads', () => {
  it('elements in a row, with tag, contents and whole encoding', () => {
    const row = reader('0201050401ff');
    const [first, second] = [row.any(), row.any()];
    expect([first.tag, [...contentsOf(first)], [...encodingOf(first)]]).toEqual([2, [5], [2, 1, 5]]);
    expect([second.tag, [...contentsOf(second)]]).toEqual([4, [255]]);
    expect([row.done, row.peek()]).toEqual([true, -1]);
  });

  it.each([
    ['one byte', '047f'.concat('00'.repeat(127)), 127],
    ['two bytes', '048180'.concat('00'.repeat(128)), 128],
    ['three bytes', '04820100'.concat('00'.repeat(256)), 256],
  ])('a length of %s', (_what, hex, length) => {
    expect(contentsOf(reader(hex).any())).toHaveLength(length);
  });

  it('what is optional only when it is there', () => {
    const row = reader('020105');
    expect(row.optional(TAG.boolean)).toBeUndefined();
    expect(row.optional(TAG.integer)?.tag).toBe(TAG.integer);
    expect(row.optional(TAG.integer)).toBeUndefined();
  });
});

describe('DerReader refuses', () => {
  it.each([
    ['nothing', ''],
    ['a tag alone', '30'],
    ['a length that runs past the end', '3001'],
    ['a length that runs past the end by one', '0403ffff'],
    ['a tag number above 30', '1f0100'],
    ['the indefinite form', '30800000'],
    ['a length without its bytes', '0482'],
    ['a length of one byte written in two', '04817f'.concat('00'.repeat(127))],
    ['a length of two bytes written in three', '0482007f'.concat('00'.repeat(127))],
    ['a length with a leading zero', '04820080'.concat('00'.repeat(128))],
    ['a length of five bytes', '04850000000001ff'],
    ['a length of 2^32 - 1', '0484ffffffff'],
    ['the reserved length 0xff', '04ff'],
  ])('%s', (_what, hex) => {
    refused(() => reader(hex).any());
  });

  it('an inner element that is longer than the outer one', () => {
    const outer = reader('3003040200ff').expect(TAG.sequence, 'outer');
    refused(() => DerReader.inside(outer).any());
  });

  it('another tag than the one that is due, and what is left over', () => {
    refused(() => reader('020105').expect(TAG.sequence, 'sequence'));
    refused(() => reader('').expect(TAG.sequence, 'sequence'));
    refused(() => reader('020105').finish('a row'));
  });
});

describe('BOOLEAN', () => {
  it('is 0xff or 0x00', () => {
    expect([readBoolean(reader('0101ff').any()), readBoolean(reader('010100').any())]).toEqual([true, false]);
  });

  it.each(['010101', '0100', '0102ffff', '0101fe'])('is nothing else: %s', (hex) => {
    refused(() => readBoolean(reader(hex).any()));
  });
});

describe('INTEGER', () => {
  it('keeps its bytes', () => {
    expect([...readInteger(reader('02020080').any())]).toEqual([0, 0x80]);
  });

  it.each([
    ['empty', '0200'],
    ['with a zero too many', '0202007f'],
    ['with a sign byte too many', '0202ff80'],
  ])('is refused %s', (_what, hex) => {
    refused(() => readInteger(reader(hex).any()));
  });

  it.each([
    ['020100', 0],
    ['02017f', 127],
    ['02020080', 128],
    ['02047fffffff', 2 ** 31 - 1],
  ])('%s is the small number %i', (hex, value) => {
    expect(readSmallInteger(reader(hex).any())).toBe(value);
  });

  it.each([
    ['negative', '0201ff'],
    ['2^31', '02050080000000'],
    ['2^40', '0206010000000000'],
  ])('is no small number: %s', (_what, hex) => {
    refused(() => readSmallInteger(reader(hex).any()));
  });
});

describe('BIT STRING', () => {
  it('of whole bytes gives them', () => {
    expect([...readOctetAlignedBits(reader('030300abcd').any())]).toEqual([0xab, 0xcd]);
  });

  it.each([
    ['with unused bits', '030201fe'],
    ['without the count of unused bits', '0300'],
  ])('is not whole bytes %s', (_what, hex) => {
    refused(() => readOctetAlignedBits(reader(hex).any()));
  });

  it.each([
    ['03020780', 0x8000],
    ['03020106', 0x0600],
    ['0303070080', 0x0080],
    ['030100', 0],
  ])('%s has the flags 0x%s', (hex, flags) => {
    expect(readFlags(reader(hex).any())).toBe(flags);
  });

  it.each([
    ['is empty', '0300'],
    ['has eight unused bits', '03020800'],
    ['has unused bits of no byte', '030101'],
    ['has unused bits that are set', '030207ff'],
    ['has more flags than there are', '03040080000080'],
  ])('of flags is refused when it %s', (_what, hex) => {
    refused(() => readFlags(reader(hex).any()));
  });
});

describe('OBJECT IDENTIFIER', () => {
  it.each([
    ['06032a0304', '1.2.3.4'],
    ['0603551d13', '2.5.29.19'],
    ['06062a864886f70d', '1.2.840.113549'],
    ['0603883703', '2.999.3'],
    ['060127', '0.39'],
    ['060128', '1.0'],
    ['060150', '2.0'],
    ['06082affffffffffff7f', '1.2.562949953421311'],
  ])('%s is %s', (hex, dotted) => {
    expect(readObjectIdentifier(reader(hex).any())).toBe(dotted);
  });

  it.each([
    ['empty', '0600'],
    ['cut off in an arc', '06022a86'],
    ['with an arc that begins with zeros', '06042a800304'],
    ['that begins with zeros', '06028001'],
    ['with an arc above 2^53', '060b2affffffffffffffffff7f'],
    ['of 65 bytes', `0641${'01'.repeat(65)}`],
  ])('is refused %s', (_what, hex) => {
    refused(() => readObjectIdentifier(reader(hex).any()));
  });
});

describe('text', () => {
  it('is printable ASCII', () => {
    expect(readAscii(new DerReader(text(0x86, ' ~azAZ09')).any())).toBe(' ~azAZ09');
  });

  it.each(['\0', 'a\0b', '\n', '\x1f', '\x7f', '\x80', '\xff'])('is not %j', (value) => {
    refused(() => readAscii(new DerReader(text(0x86, value)).any()));
  });
});

describe('time', () => {
  it.each([
    ['UTCTime up to 49 is in this century', 0x17, '491231235959Z', '2049-12-31T23:59:59.000Z'],
    ['UTCTime from 50 on is in the last', 0x17, '500101000000Z', '1950-01-01T00:00:00.000Z'],
    ['GeneralizedTime', 0x18, '20500101000000Z', '2050-01-01T00:00:00.000Z'],
    ['the end of time (RFC 5280 4.1.2.5)', 0x18, '99991231235959Z', '9999-12-31T23:59:59.000Z'],
    ['29 February of a leap year', 0x18, '20240229000000Z', '2024-02-29T00:00:00.000Z'],
    ['a year below 100', 0x18, '00990101000000Z', '0099-01-01T00:00:00.000Z'],
  ])('%s', (_what, tag, value, iso) => {
    expect(new Date(readTime(new DerReader(text(tag, value)))).toISOString()).toBe(iso);
  });

  it.each([
    ['UTCTime without seconds', 0x17, '2401010000Z'],
    ['UTCTime with an offset', 0x17, '240101000000+0100'],
    ['UTCTime without Z', 0x17, '240101000000'],
    ['GeneralizedTime in the form of UTCTime', 0x18, '240101000000Z'],
    ['GeneralizedTime with fractions', 0x18, '20240101000000.5Z'],
    ['month 0', 0x17, '240001000000Z'],
    ['month 13', 0x17, '241301000000Z'],
    ['day 0', 0x17, '240100000000Z'],
    ['29 February of a common year', 0x17, '230229000000Z'],
    ['31 April', 0x17, '240431000000Z'],
    ['hour 24', 0x17, '240101240000Z'],
    ['minute 60', 0x17, '240101006000Z'],
    ['a leap second', 0x17, '240101235960Z'],
    ['digits outside ASCII', 0x17, '24010100000\xb2Z'],
    ['an integer', 0x02, '240101000000Z'],
  ])('is not %s', (_what, tag, value) => {
    refused(() => readTime(new DerReader(text(tag, value))));
  });
});

describe('equalBytes', () => {
  it('compares every byte and the length', () => {
    const bytes = Uint8Array.of(1, 2, 3);
    expect(
      [Uint8Array.of(1, 2, 3), Uint8Array.of(1, 2, 4), Uint8Array.of(1, 2), Uint8Array.of(1, 2, 3, 0)].map((other) =>
        equalBytes(bytes, other),
      ),
    ).toEqual([true, false, false, false]);
  });
});

it('the errors of the reader carry no bytes of the input', () => {
  const error = refusalOf(() => reader('04ff').any());
  expect(error).toBeInstanceOf(EphemosError);
  expect(error.message).toBe('the certificate holds an indefinite or oversized length');
});
