//! What was encoded comes back; anything else is an error.

use proptest::prelude::*;
use types::{Block, Header};

use super::*;
use crate::testing::{Dice, random_block, random_header};

proptest! {
    #[test]
    fn blocks_come_back(seed in any::<u64>(), rows in 0usize..300, cut in any::<prop::sample::Index>()) {
        let mut dice = Dice(seed);
        let header = random_header(&mut dice);
        let block = random_block(&header, rows, &mut dice);
        prop_assert_eq!(&decode_inline(&header, &encode_inline(&block)).unwrap(), &block);
        let start = cut.index(rows + 1);
        let slice = block.slice(start, (rows - start) / 2);
        let bytes = encode_inline(&slice);
        prop_assert_eq!(&decode_inline(&header, &bytes).unwrap(), &slice);
        // a slice costs its own rows only, and the same rows always give the same bytes
        prop_assert_eq!(encode_inline(&decode_inline(&header, &bytes).unwrap()), bytes);
    }

    #[test]
    fn damaged_bytes_never_panic(seed in any::<u64>(), rows in 0usize..100, damage in any::<[prop::sample::Index; 3]>()) {
        let mut dice = Dice(seed);
        let header = random_header(&mut dice);
        let mut bytes = encode_inline(&random_block(&header, rows, &mut dice));
        for at in damage {
            let at = at.index(bytes.len());
            bytes[at] = dice.roll() as u8;
            let _ = decode_inline(&header, &bytes);
        }
        bytes.truncate(damage[0].index(bytes.len()));
        prop_assert!(decode_inline(&header, &bytes).is_err());
    }

    #[test]
    fn arbitrary_bytes_never_panic(seed in any::<u64>(), bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let header = random_header(&mut Dice(seed));
        let _ = decode_inline(&header, &bytes);
        let _ = decode_inline(&header, &[&[VERSION, 3], bytes.as_slice()].concat());
    }
}

#[test]
fn a_claim_of_many_rows_allocates_nothing() {
    let header = random_header(&mut Dice(1));
    let mut bytes = vec![VERSION, 0xff, 0xff, 0xff, 0xff, 0x07];
    assert!(decode_inline(&header, &bytes).is_err());
    bytes.extend_from_slice(&[0, CODEC_LZ4, 4, 1, 2, 3, 4]);
    assert!(decode_inline(&header, &bytes).is_err());
}

#[test]
fn a_later_version_is_refused_by_number() {
    let bytes = [9, 0];
    let error = decode_inline(&Header::default(), &bytes).unwrap_err();
    assert_eq!(error.to_string(), "part has format version 9, this program reads up to 1");
    assert_eq!(
        decode_inline(&Header::default(), &[VERSION, 7]).unwrap(),
        Block::with_rows(Header::default(), vec![], 7).unwrap()
    );
}
