//! Numbers and texts, there and back.

use super::*;

#[test]
fn every_type_goes_there_and_back() {
    let schema: Schema = "a:f64,b:i64,c:u64,d:f32,e:i32,f:u32,g:i16,h:u16,i:i8,j:u8,k:u8[6]".parse().unwrap();
    let columns = schema.columns();
    let rows = [
        [
            "0.1",
            "-9223372036854775808",
            "18446744073709551615",
            "-1.5",
            "-7",
            "7",
            "-32768",
            "65535",
            "-128",
            "255",
            "ab",
        ],
        ["inf", "0", "0", "NaN", "0", "0", "0", "0", "0", "0", ""],
    ];
    for row in rows {
        let mut record = vec![0xff; schema.record_size()];
        columns.iter().zip(row).for_each(|(column, text)| column.parse(text, &mut record).unwrap());
        let back: Vec<String> = columns.iter().map(|column| column.text(&record)).collect();
        assert_eq!(back, row);
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    let schema: Schema = "a:u16,b:u8[2]".parse().unwrap();
    let columns = schema.columns();
    let mut record = vec![0; 4];
    assert!(columns[0].parse("65536", &mut record).is_err());
    assert!(columns[0].parse("", &mut record).is_err());
    assert!(columns[1].parse("abc", &mut record).is_err());
    assert!(columns[1].parse("ab", &mut record[..3]).is_err());
    assert_eq!(columns[1].text(&record[..3]), "");
}

#[test]
fn bytes_that_are_no_text_come_back() {
    let schema: Schema = "a:u8[9]".parse().unwrap();
    let columns = schema.columns();
    let mut bytes: Vec<&[u8; 9]> = vec![b"ab\xff\0\xfec\0\0\0", b"\\x41\\\\n\\x", b"\\\\\\\xc3\\\\x4a"];
    let mut state = 1u64;
    let mut made = Vec::new();
    for _ in 0..2000 {
        made.push(std::array::from_fn::<u8, 9, _>(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            b"\\x\xff4a\0\xc3\xa9"[usize::try_from(state >> 61).unwrap()]
        }));
    }
    bytes.extend(made.iter());
    for record in bytes {
        let text = columns[0].text(record);
        let mut back = [7; 9];
        columns[0].parse(&text, &mut back).unwrap();
        assert_eq!(&back, record, "{text:?}");
    }
    assert_eq!(columns[0].text(b"C:\\dir\0\0\0"), "C:\\dir");
}
