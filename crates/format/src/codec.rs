//! Compressed streams of bytes: gzip, zlib, brotli, zstd, LZ4, xz, snappy, piece by piece, in both directions. What comes out of a piece is bounded
//! by feeding the decoder small pieces; nothing is collected whole.

use std::io::{self, Write};

use bytes::Bytes;
use flate2::Compression;
use futures::StreamExt;
use futures::stream::{self, BoxStream};
use lz4_flex::frame::FrameEncoder;
use zstd::stream::raw::Operation;

mod blocks;
mod brotli;
mod lz4;
mod snappy;

/// Compressed bytes that a decoder takes at once: what they unpack to is bounded by it (zlib: a thousandfold).
const DECODE_STEP_BYTES: usize = 16 << 10;
/// As that, of xz, which unpacks to seven thousand times as much.
const XZ_STEP_BYTES: usize = 1 << 10;
/// Memory that a reader of xz may need: its strongest level asks for a quarter of it.
const XZ_MEMORY_BYTES: u64 = 256 << 20;
/// The level that xz is written with: its program's own.
const XZ_LEVEL: u32 = 6;

/// A way to compress a stream.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(missing_docs)]
pub enum Coding {
    Gzip,
    /// HTTP's "deflate": the zlib format.
    Deflate,
    Zstd,
    /// Brotli.
    Brotli,
    /// LZ4 in its frame format.
    Lz4,
    /// xz.
    Xz,
    /// Snappy as Hadoop frames it.
    Snappy,
    /// ClickHouse's own blocks of LZ4, with a checksum each; no Content-Encoding, but the URL asks for it.
    Blocks,
}

impl Coding {
    /// By its name in `Content-Encoding`.
    pub fn by_name(name: &str) -> Option<Coding> {
        match name.trim().to_ascii_lowercase().as_str() {
            "gzip" | "x-gzip" => Some(Coding::Gzip),
            "deflate" => Some(Coding::Deflate),
            "zstd" => Some(Coding::Zstd),
            "lz4" => Some(Coding::Lz4),
            "br" => Some(Coding::Brotli),
            "xz" => Some(Coding::Xz),
            "snappy" => Some(Coding::Snappy),
            _ => None,
        }
    }

    /// Its name in `Content-Encoding`.
    pub fn name(self) -> &'static str {
        match self {
            Coding::Gzip => "gzip",
            Coding::Deflate => "deflate",
            Coding::Zstd => "zstd",
            Coding::Lz4 => "lz4",
            Coding::Brotli => "br",
            Coding::Xz => "xz",
            Coding::Snappy => "snappy",
            Coding::Blocks => "",
        }
    }

    /// The one to answer with: the first of ClickHouse's order that the client accepts.
    pub fn accepted(header: &str) -> Option<Coding> {
        let offered: Vec<Coding> = header.split(',').filter_map(accepted_item).collect();
        [Coding::Gzip, Coding::Deflate, Coding::Zstd].into_iter().find(|coding| offered.contains(coding))
    }
}

/// The coding of one item of `Accept-Encoding`, unless its weight is 0.
fn accepted_item(item: &str) -> Option<Coding> {
    let (name, weight) = item.split_once(';').unwrap_or((item, ""));
    let weight = weight.trim().strip_prefix("q=").and_then(|weight| weight.trim().parse::<f32>().ok());
    Coding::by_name(name).filter(|_| weight != Some(0.0))
}

/// Compresses what is pushed.
pub enum Encoder {
    /// As it is.
    Plain,
    /// gzip.
    Gzip(flate2::write::GzEncoder<Vec<u8>>),
    /// zlib.
    Deflate(flate2::write::ZlibEncoder<Vec<u8>>),
    /// zstd.
    Zstd(zstd::stream::write::Encoder<'static, Vec<u8>>),
    /// Brotli.
    Brotli(Box<::brotli::CompressorWriter<Vec<u8>>>),
    /// LZ4 frames.
    Lz4(Box<FrameEncoder<Vec<u8>>>),
    /// xz.
    Xz(liblzma::write::XzEncoder<Vec<u8>>),
    /// Snappy.
    Snappy(snappy::Packer),
    /// ClickHouse's own blocks.
    Blocks(blocks::Packer),
}

/// What the window of brotli holds, as a power of two: what its own program has.
const BROTLI_WINDOW: u32 = 22;
/// Bytes that brotli takes at once.
const BROTLI_BUFFER_BYTES: usize = 64 << 10;

impl Encoder {
    /// An encoder; `level` is that of zlib, and bounded to what there is.
    pub fn new(coding: Option<Coding>, level: i64) -> io::Result<Encoder> {
        let level = Compression::new(u32::try_from(level.clamp(1, 9)).unwrap_or(3));
        Ok(match coding {
            None => Encoder::Plain,
            Some(Coding::Brotli) => Encoder::Brotli(Box::new(::brotli::CompressorWriter::new(
                Vec::new(),
                BROTLI_BUFFER_BYTES,
                level.level(),
                BROTLI_WINDOW,
            ))),
            Some(Coding::Lz4) => Encoder::Lz4(Box::new(FrameEncoder::new(Vec::new()))),
            Some(Coding::Xz) => Encoder::Xz(liblzma::write::XzEncoder::new(Vec::new(), XZ_LEVEL)),
            Some(Coding::Snappy) => Encoder::Snappy(snappy::Packer::default()),
            Some(Coding::Blocks) => Encoder::Blocks(blocks::Packer::default()),
            Some(Coding::Gzip) => Encoder::Gzip(flate2::write::GzEncoder::new(Vec::new(), level)),
            Some(Coding::Deflate) => Encoder::Deflate(flate2::write::ZlibEncoder::new(Vec::new(), level)),
            Some(Coding::Zstd) => Encoder::Zstd(zstd::stream::write::Encoder::new(Vec::new(), 1)?),
        })
    }

    /// Takes bytes, gives what is ready; may be empty.
    pub fn push(&mut self, bytes: Bytes) -> io::Result<Bytes> {
        let out = match self {
            Encoder::Plain => return Ok(bytes),
            Encoder::Blocks(packer) => return Ok(packer.push(&bytes)),
            Encoder::Snappy(packer) => return packer.push(&bytes),
            Encoder::Xz(encoder) => encoder.write_all(&bytes).map(|()| encoder.get_mut()),
            Encoder::Gzip(encoder) => encoder.write_all(&bytes).map(|()| encoder.get_mut()),
            Encoder::Deflate(encoder) => encoder.write_all(&bytes).map(|()| encoder.get_mut()),
            Encoder::Zstd(encoder) => encoder.write_all(&bytes).map(|()| encoder.get_mut()),
            Encoder::Brotli(encoder) => encoder.write_all(&bytes).map(|()| encoder.get_mut()),
            Encoder::Lz4(encoder) => encoder.write_all(&bytes).map(|()| encoder.get_mut()),
        }?;
        Ok(std::mem::take(out).into())
    }

    /// What is left, and the end mark.
    pub fn finish(self) -> io::Result<Bytes> {
        Ok(match self {
            Encoder::Plain => Bytes::new(),
            Encoder::Blocks(packer) => packer.finish(),
            Encoder::Gzip(encoder) => encoder.finish()?.into(),
            Encoder::Deflate(encoder) => encoder.finish()?.into(),
            Encoder::Zstd(encoder) => encoder.finish()?.into(),
            Encoder::Brotli(encoder) => encoder.into_inner().into(),
            Encoder::Lz4(encoder) => encoder.finish()?.into(),
            Encoder::Xz(encoder) => encoder.finish()?.into(),
            Encoder::Snappy(packer) => packer.finish()?,
        })
    }
}

/// Unpacks what is pushed. Several packed streams one after another are one, as gzip and zstd allow.
enum Decoder {
    Gzip(flate2::write::MultiGzDecoder<Vec<u8>>),
    Deflate(flate2::write::ZlibDecoder<Vec<u8>>),
    Zstd(ZstdDecoder),
    Brotli(brotli::Unpacker),
    Lz4(lz4::Frames),
    Xz(Box<liblzma::write::XzDecoder<Vec<u8>>>),
    Snappy(snappy::Unpacker),
    Blocks(blocks::Unpacker),
}

/// zstd's own writer does not tell when a stream was cut off; this does.
struct ZstdDecoder {
    raw: zstd::stream::raw::Decoder<'static>,
    is_inside_frame: bool,
}

impl ZstdDecoder {
    fn push(&mut self, bytes: &[u8]) -> io::Result<Bytes> {
        let (mut out, mut buffer, mut at) = (Vec::new(), vec![0; DECODE_STEP_BYTES * 8], 0);
        loop {
            let input = bytes.get(at..).unwrap_or_default();
            let status = self.raw.run_on_buffers(input, &mut buffer)?;
            self.is_inside_frame = status.remaining != 0;
            at += status.bytes_read;
            out.extend_from_slice(buffer.get(..status.bytes_written).unwrap_or_default());
            let is_drained = status.bytes_written < buffer.len();
            if is_drained && (at >= bytes.len() || status.bytes_read == 0) {
                return Ok(out.into());
            }
            if at >= bytes.len() && !self.is_inside_frame {
                return Ok(out.into());
            }
        }
    }

    fn finish(&self) -> io::Result<Bytes> {
        if self.is_inside_frame {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the zstd stream is cut off"));
        }
        Ok(Bytes::new())
    }
}

impl Decoder {
    fn new(coding: Coding) -> io::Result<Decoder> {
        Ok(match coding {
            Coding::Gzip => Decoder::Gzip(flate2::write::MultiGzDecoder::new(Vec::new())),
            Coding::Deflate => Decoder::Deflate(flate2::write::ZlibDecoder::new(Vec::new())),
            Coding::Brotli => Decoder::Brotli(brotli::Unpacker::default()),
            Coding::Lz4 => Decoder::Lz4(lz4::Frames::default()),
            Coding::Snappy => Decoder::Snappy(snappy::Unpacker::default()),
            Coding::Xz => {
                let stream =
                    liblzma::stream::Stream::new_stream_decoder(XZ_MEMORY_BYTES, liblzma::stream::CONCATENATED)?;
                Decoder::Xz(Box::new(liblzma::write::XzDecoder::new_stream(Vec::new(), stream)))
            }
            Coding::Blocks => Decoder::Blocks(blocks::Unpacker::default()),
            Coding::Zstd => {
                Decoder::Zstd(ZstdDecoder { raw: zstd::stream::raw::Decoder::new()?, is_inside_frame: false })
            }
        })
    }

    fn push(&mut self, bytes: &[u8]) -> io::Result<Bytes> {
        let out = match self {
            Decoder::Gzip(decoder) => decoder.write_all(bytes).map(|()| decoder.get_mut()),
            Decoder::Deflate(decoder) => decoder.write_all(bytes).map(|()| decoder.get_mut()),
            Decoder::Zstd(decoder) => return decoder.push(bytes),
            Decoder::Brotli(unpacker) => return unpacker.push(bytes),
            Decoder::Lz4(frames) => return frames.push(bytes),
            Decoder::Blocks(unpacker) => return unpacker.push(bytes),
            Decoder::Snappy(unpacker) => return unpacker.push(bytes),
            Decoder::Xz(decoder) => decoder.write_all(bytes).map(|()| decoder.get_mut()),
        }?;
        Ok(std::mem::take(out).into())
    }

    /// Packed bytes that it takes at once.
    fn step_bytes(&self) -> usize {
        match self {
            Decoder::Xz(_) => XZ_STEP_BYTES,
            _ => DECODE_STEP_BYTES,
        }
    }

    /// More of what was pushed, where a piece of it did not come out at once.
    fn more(&mut self) -> Option<io::Result<Bytes>> {
        match self {
            Decoder::Brotli(unpacker) if unpacker.has_more() => Some(unpacker.more()),
            _ => None,
        }
    }

    /// What is left; an error when the stream was cut off.
    fn finish(&mut self) -> io::Result<Bytes> {
        let out = match self {
            Decoder::Gzip(decoder) => decoder.try_finish().map(|()| decoder.get_mut()),
            Decoder::Deflate(decoder) => decoder.try_finish().map(|()| decoder.get_mut()),
            Decoder::Zstd(decoder) => return decoder.finish(),
            Decoder::Brotli(unpacker) => return unpacker.finish(),
            Decoder::Lz4(frames) => return frames.finish(),
            Decoder::Blocks(unpacker) => return unpacker.finish(),
            Decoder::Snappy(unpacker) => return unpacker.finish(),
            Decoder::Xz(decoder) => decoder.try_finish().map(|()| decoder.get_mut()),
        }?;
        Ok(std::mem::take(out).into())
    }
}

/// Where an unpacking stream stands.
struct Unpacking {
    packed: BoxStream<'static, io::Result<Bytes>>,
    decoder: Decoder,
    waiting: Bytes,
    /// Nothing came so far: an empty file is no stream that was cut off.
    is_empty: bool,
    is_done: bool,
}

/// The bytes of a packed stream, unpacked as they are read. Bytes that are no such stream are an error in it.
pub fn unpack(
    packed: BoxStream<'static, io::Result<Bytes>>,
    coding: Coding,
) -> io::Result<BoxStream<'static, io::Result<Bytes>>> {
    let state =
        Unpacking { packed, decoder: Decoder::new(coding)?, waiting: Bytes::new(), is_empty: true, is_done: false };
    Ok(stream::unfold(state, unpack_next).boxed())
}

async fn unpack_next(mut state: Unpacking) -> Option<(io::Result<Bytes>, Unpacking)> {
    while !state.is_done {
        let unpacked = if let Some(more) = state.decoder.more() {
            more
        } else if state.waiting.is_empty() {
            match state.packed.next().await {
                Some(Ok(bytes)) => {
                    state.is_empty &= bytes.is_empty();
                    state.waiting = bytes;
                    continue;
                }
                Some(Err(error)) => Err(error),
                None => {
                    state.is_done = true;
                    if state.is_empty { Ok(Bytes::new()) } else { state.decoder.finish() }
                }
            }
        } else {
            let step = state.waiting.split_to(state.waiting.len().min(state.decoder.step_bytes()));
            state.decoder.push(&step)
        };
        match unpacked {
            Ok(bytes) if bytes.is_empty() => {}
            Ok(bytes) => return Some((Ok(bytes), state)),
            Err(error) => {
                state.is_done = true;
                return Some((Err(error), state));
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use futures::TryStreamExt;

    use super::*;

    const ALL: [Coding; 7] =
        [Coding::Gzip, Coding::Deflate, Coding::Zstd, Coding::Brotli, Coding::Lz4, Coding::Xz, Coding::Snappy];

    fn packed(coding: Coding, text: &[u8]) -> Vec<u8> {
        let mut encoder = Encoder::new(Some(coding), 3).unwrap();
        let mut out = encoder.push(Bytes::copy_from_slice(text)).unwrap().to_vec();
        out.extend_from_slice(&encoder.finish().unwrap());
        out
    }

    fn unpacked(coding: Coding, pieces: Vec<Vec<u8>>) -> io::Result<Vec<u8>> {
        let pieces = stream::iter(pieces.into_iter().map(|piece| Ok(Bytes::from(piece)))).boxed();
        let bytes: Vec<Bytes> = futures::executor::block_on(unpack(pieces, coding)?.try_collect())?;
        Ok(bytes.concat())
    }

    #[test]
    fn what_is_packed_comes_back_in_whatever_pieces_it_arrives() {
        let text: Vec<u8> = (0..100_000_u32).flat_map(|n| format!("{n}\t").into_bytes()).collect();
        for coding in ALL {
            let pieces = packed(coding, &text).chunks(777).map(<[u8]>::to_vec).collect();
            assert!(unpacked(coding, pieces).unwrap() == text, "{coding:?}");
            assert!(unpacked(coding, vec![]).unwrap().is_empty(), "{coding:?}");
        }
    }

    #[test]
    fn a_little_brotli_that_is_much_comes_piece_by_piece() {
        let zeros = vec![0; 8 << 20];
        let whole = Bytes::from(packed(Coding::Brotli, &zeros));
        assert!(whole.len() < 4_096, "{}", whole.len());
        let pieces = unpack(stream::iter([Ok(whole.clone())]).boxed(), Coding::Brotli).unwrap();
        let sizes: Vec<usize> = futures::executor::block_on(pieces.map_ok(|piece| piece.len()).try_collect()).unwrap();
        assert_eq!(sizes.iter().sum::<usize>(), zeros.len());
        assert!(sizes.iter().all(|size| *size <= 256 << 10));
        assert!(unpacked(Coding::Brotli, vec![[&whole[..], b"more"].concat()]).is_err());
    }

    #[test]
    fn clickhouses_own_blocks_come_back_and_are_checked() {
        let text: Vec<u8> = (0..300_000_u32).flat_map(|n| format!("{n}\t").into_bytes()).collect();
        let whole = packed(Coding::Blocks, &text);
        let pieces = whole.chunks(777).map(<[u8]>::to_vec).collect();
        assert!(unpacked(Coding::Blocks, pieces).unwrap() == text);
        for at in [0, 16, 17, 21, 30] {
            let mut wrong = whole.clone();
            wrong[at] ^= 0x40;
            assert!(unpacked(Coding::Blocks, vec![wrong]).is_err(), "{at}");
        }
    }

    #[test]
    fn lz4_frames_are_read_with_and_without_references_between_blocks() {
        use lz4_flex::frame::{BlockMode, BlockSize, FrameEncoder, FrameInfo};
        let text: Vec<u8> = (0..50_000_u32).flat_map(|n| format!("{n}\t").into_bytes()).collect();
        for mode in [BlockMode::Independent, BlockMode::Linked] {
            let info = FrameInfo::new().block_mode(mode).block_size(BlockSize::Max64KB).content_checksum(true);
            let mut encoder = FrameEncoder::with_frame_info(info, Vec::new());
            encoder.write_all(&text).unwrap();
            let whole = encoder.finish().unwrap();
            let twice = [whole.clone(), whole.clone()].concat();
            let pieces = twice.chunks(777).map(<[u8]>::to_vec).collect();
            assert!(unpacked(Coding::Lz4, pieces).unwrap() == [text.clone(), text.clone()].concat());
            assert!(unpacked(Coding::Lz4, vec![whole[..whole.len() - 9].to_vec()]).is_err());
        }
        assert!(unpacked(Coding::Lz4, vec![b"SELECT 1, and more".to_vec()]).is_err());
    }

    #[test]
    fn bytes_that_are_no_such_stream_are_an_error() {
        for coding in ALL {
            assert!(unpacked(coding, vec![b"SELECT 1, and more of it".to_vec()]).is_err(), "{coding:?}");
        }
        for coding in ALL {
            let whole = packed(coding, b"a\tb\n");
            assert!(unpacked(coding, vec![whole[..whole.len() - 3].to_vec()]).is_err(), "{coding:?}");
        }
    }

    #[test]
    fn the_client_chooses_a_coding() {
        assert_eq!(Coding::accepted("br, zstd"), Some(Coding::Zstd));
        assert_eq!(Coding::accepted("zstd, gzip;q=0.5"), Some(Coding::Gzip));
        assert_eq!(Coding::accepted("gzip;q=0, deflate"), Some(Coding::Deflate));
        assert_eq!(Coding::accepted("identity"), None);
    }
}
