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
