//! A block to the bytes of a log record.

use arrow::array::{Array, ArrayData};
use arrow::buffer::BooleanBuffer;
use arrow::datatypes::DataType as ArrowType;
use types::Block;

use super::{CODEC_LZ4, CODEC_RAW, LZ4_BYTES_MIN, VERSION};

/// The bytes of `block`, without its header.
pub fn encode_inline(block: &Block) -> Vec<u8> {
    let mut out = Vec::with_capacity(64 + block.rows() * 8 * block.header().len().max(1));
    out.push(VERSION);
    write_varint(&mut out, block.rows() as u64);
    for array in block.arrays() {
        write_array(&mut out, &array.to_data());
    }
    out
}

pub(super) fn write_varint(out: &mut Vec<u8>, mut value: u64) {
    while 0x80 <= value {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn write_array(out: &mut Vec<u8>, data: &ArrayData) {
    if *data.data_type() == ArrowType::Null {
        return;
    }
    match data.nulls().filter(|nulls| 0 < nulls.null_count()) {
        None => out.push(0),
        Some(nulls) => {
            out.push(1);
            write_bits(out, nulls.inner());
        }
    }
    match data.data_type() {
        ArrowType::Boolean => {
            write_bits(out, &BooleanBuffer::new(data.buffers()[0].clone(), data.offset(), data.len()));
        }
        ArrowType::Binary => {
            let offsets = write_offsets(out, data);
            write_buffer(out, &data.buffers()[1].as_slice()[offsets]);
        }
        ArrowType::List(_) => {
            let offsets = write_offsets(out, data);
            write_array(out, &data.child_data()[0].slice(offsets.start, offsets.len()));
        }
        ArrowType::Struct(_) => {
            // unlike other data, a sliced struct's has its children sliced already
            for child in data.child_data() {
                write_array(out, &child.slice(0, data.len()));
            }
        }
        ty => {
            let width = fixed_width(ty).expect("every Arrow type of the table of types is handled");
            let start = data.offset() * width;
            write_buffer(out, &data.buffers()[0].as_slice()[start..start + data.len() * width]);
        }
    }
}

/// Bytes of one value of types of fixed width.
pub(super) fn fixed_width(ty: &ArrowType) -> Option<usize> {
    match ty {
        ArrowType::FixedSizeBinary(width) => usize::try_from(*width).ok(),
        other => other.primitive_width(),
    }
}

/// Writes where each value ends, counted from the first value's start; returns the range of the values in their buffer.
fn write_offsets(out: &mut Vec<u8>, data: &ArrayData) -> std::ops::Range<usize> {
    if data.is_empty() {
        write_buffer(out, &[]);
        return 0..0;
    }
    let offsets = &data.buffers()[0].typed_data::<i32>()[data.offset()..=data.offset() + data.len()];
    let (first, last) = (offsets[0], offsets[data.len()]);
    let ends: Vec<u8> = offsets[1..].iter().flat_map(|offset| (offset - first).to_le_bytes()).collect();
    write_buffer(out, &ends);
    first as usize..last as usize
}

fn write_bits(out: &mut Vec<u8>, bits: &BooleanBuffer) {
    let bytes = bits.len().div_ceil(8);
    let aligned = bits.sliced();
    let mut packed = aligned.as_slice()[..bytes].to_vec();
    // bits past the end are whatever the buffer's owner left there; the same block must give the same bytes
    if let (Some(last), used @ 1..) = (packed.last_mut(), bits.len() % 8) {
        *last &= (1 << used) - 1;
    }
    write_buffer(out, &packed);
}

fn write_buffer(out: &mut Vec<u8>, bytes: &[u8]) {
    if LZ4_BYTES_MIN <= bytes.len() {
        let packed = lz4_flex::block::compress(bytes);
        if packed.len() < bytes.len() - bytes.len() / 8 {
            out.push(CODEC_LZ4);
            write_varint(out, packed.len() as u64);
            out.extend_from_slice(&packed);
            return;
        }
    }
    out.push(CODEC_RAW);
    out.extend_from_slice(bytes);
}
