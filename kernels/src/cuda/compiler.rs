//! Compiles the kernels for the device at hand with NVRTC, and keeps the result.
//!
//! The result is a CUBIN: an older driver refuses the PTX of a newer compiler. It is kept under a hash of all that it depends
//! on, so a cache can only be missing, torn or right; a torn entry is noticed by its own hash and made again.

use super::NoCuda;
use cudarc::nvrtc::{result, sys};
use sha2::{Digest, Sha256};
use std::ffi::{CStr, CString, c_char, c_int};
use std::path::Path;

/// The file that includes all others.
const ROOT: (&CStr, &str) = (c"kernels.cu", include_str!("../../cu/kernels.cu"));
/// What it includes.
const PARTS: [(&CStr, &str); 14] = [
    (c"exact.cuh", include_str!("../../cu/exact.cuh")),
    (c"bin.cu", include_str!("../../cu/bin.cu")),
    (c"choice.cu", include_str!("../../cu/choice.cu")),
    (c"compare.cu", include_str!("../../cu/compare.cu")),
    (c"count.cu", include_str!("../../cu/count.cu")),
    (c"explain.cu", include_str!("../../cu/explain.cu")),
    (c"forest.cu", include_str!("../../cu/forest.cu")),
    (c"gradient.cu", include_str!("../../cu/gradient.cu")),
    (c"histogram.cu", include_str!("../../cu/histogram.cu")),
    (c"kernel_sums.cu", include_str!("../../cu/kernel_sums.cu")),
    (c"partition.cu", include_str!("../../cu/partition.cu")),
    (c"roofline.cu", include_str!("../../cu/roofline.cu")),
    (c"split.cu", include_str!("../../cu/split.cu")),
    (c"tokens.cu", include_str!("../../cu/tokens.cu")),
];
/// Nothing is fused, flushed or approximated: the CPU does the same operations one by one.
const EXACT: [&str; 5] = ["--std=c++17", "--fmad=false", "--prec-div=true", "--prec-sqrt=true", "--ftz=false"];

/// Names and texts of all sources, the root first.
pub(crate) fn sources() -> impl Iterator<Item = (&'static CStr, &'static str)> {
    std::iter::once(ROOT).chain(PARTS)
}

/// The CUBIN for an architecture such as (9, 0), from the cache or from the compiler.
pub(super) fn cubin(architecture: (i32, i32), cache: Option<&Path>) -> Result<Vec<u8>, NoCuda> {
    // SAFETY: the call only tries to open the library.
    if !unsafe { sys::is_culib_present() } {
        return Err(NoCuda::NoCompiler);
    }
    let version = compiler_version()?;
    let options = options(architecture);
    let path = cache.map(|folder| folder.join(format!("{}.cubin", cache_key(version, &options))));
    if let Some(cubin) = path.as_deref().and_then(read_cached) {
        return Ok(cubin);
    }
    let cubin = compile(&options)?;
    if let Some(Err(error)) = path.map(|path| write_cached(&path, &cubin)) {
        tracing::warn!("the compiled kernels could not be kept: {error}");
    }
    Ok(cubin)
}

fn options((major, minor): (i32, i32)) -> Vec<String> {
    let architecture = format!("--gpu-architecture=sm_{major}{minor}");
    std::iter::once(architecture).chain(EXACT.map(str::to_owned)).collect()
}

fn compiler_version() -> Result<(c_int, c_int), NoCuda> {
    let (mut major, mut minor) = (0, 0);
    // SAFETY: both pointers are valid for the call.
    unsafe { sys::nvrtcVersion(&mut major, &mut minor) }.result().map_err(failed)?;
    Ok((major, minor))
}

fn failed(error: result::NvrtcError) -> NoCuda {
    NoCuda::Compiler { log: error.to_string() }
}

/// A name for all that the CUBIN depends on.
fn cache_key((major, minor): (c_int, c_int), options: &[String]) -> String {
    let mut hasher = Sha256::new();
    let texts = sources().flat_map(|(name, text)| [name.to_bytes(), text.as_bytes()]);
    let version = format!("{major}.{minor}");
    for part in texts.chain([version.as_bytes()]).chain(options.iter().map(String::as_bytes)) {
        hasher.update((part.len() as u64).to_le_bytes());
        hasher.update(part);
    }
    hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The bytes behind their hash, if that is right.
fn read_cached(path: &Path) -> Option<Vec<u8>> {
    let bytes = std::fs::read(path).ok()?;
    let (hash, cubin) = bytes.split_first_chunk::<32>()?;
    (Sha256::digest(cubin).as_slice() == hash).then(|| cubin.to_vec())
}

fn write_cached(path: &Path, cubin: &[u8]) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    // Another process may write the same entry: each renames a file of its own.
    let draft = path.with_extension(format!("{}.draft", std::process::id()));
    std::fs::write(&draft, [Sha256::digest(cubin).as_slice(), cubin].concat())?;
    std::fs::rename(draft, path)
}

/// A program that is destroyed whatever happens.
struct Program(sys::nvrtcProgram);

impl Program {
    fn create() -> Result<Self, NoCuda> {
        let text = |text: &str| CString::new(text).expect("sources hold no zero bytes");
        let root = text(ROOT.1);
        let texts = PARTS.map(|(_, part)| text(part));
        let text_pointers = texts.each_ref().map(|text| text.as_ptr());
        let names = PARTS.map(|(name, _)| name.as_ptr());
        let mut program = std::ptr::null_mut();
        // SAFETY: all pointers are to texts that end with a zero byte and outlive the call, which copies them.
        unsafe {
            sys::nvrtcCreateProgram(
                &mut program,
                root.as_ptr(),
                ROOT.0.as_ptr(),
                PARTS.len() as c_int,
                text_pointers.as_ptr(),
                names.as_ptr(),
            )
        }
        .result()
        .map_err(failed)?;
        Ok(Self(program))
    }

    fn log(&self) -> String {
        // SAFETY: the program is alive.
        let log = unsafe { result::get_program_log(self.0) }.unwrap_or_default();
        log.iter().map(|&byte| byte as u8 as char).take_while(|&letter| letter != '\0').collect()
    }

    fn cubin(&self) -> Result<Vec<u8>, NoCuda> {
        let mut size = 0;
        // SAFETY: the program is alive, and the buffer has the size the compiler asks for.
        unsafe {
            sys::nvrtcGetCUBINSize(self.0, &mut size).result().map_err(failed)?;
            let mut cubin = vec![0u8; size];
            sys::nvrtcGetCUBIN(self.0, cubin.as_mut_ptr().cast::<c_char>()).result().map_err(failed)?;
            Ok(cubin)
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // SAFETY: the program is alive and not used again. A failure leaks it, which harms nobody.
        let _ = unsafe { result::destroy_program(self.0) };
    }
}

fn compile(options: &[String]) -> Result<Vec<u8>, NoCuda> {
    let program = Program::create()?;
    // SAFETY: the program is alive.
    match unsafe { result::compile_program(program.0, options) } {
        Ok(()) => program.cubin(),
        Err(error) => Err(NoCuda::Compiler { log: format!("{error}: {}", program.log()) }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_torn_cache_entry_is_no_entry() {
        let folder = std::env::temp_dir().join(format!("driftline-cubin-{}", std::process::id()));
        let path = folder.join("deep").join("entry.cubin");
        assert_eq!(read_cached(&path), None);
        write_cached(&path, b"machine code").unwrap();
        assert_eq!(read_cached(&path).as_deref(), Some(b"machine code".as_slice()));
        let mut bytes = std::fs::read(&path).unwrap();
        bytes.pop();
        std::fs::write(&path, bytes).unwrap();
        assert_eq!(read_cached(&path), None);
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn the_key_names_the_architecture_and_the_compiler() {
        let key = |version, architecture| cache_key(version, &options(architecture));
        let keys = [key((13, 0), (9, 0)), key((13, 0), (8, 0)), key((13, 1), (9, 0))];
        assert!(keys[0] != keys[1] && keys[0] != keys[2] && keys[1] != keys[2]);
    }

    #[test]
    fn every_source_is_included() {
        let included: Vec<&str> = ROOT.1.lines().filter_map(|line| line.strip_prefix("#include \"")).collect();
        let parts: Vec<String> = PARTS[1..].iter().map(|(name, _)| format!("{}\"", name.to_str().unwrap())).collect();
        assert_eq!(included, parts);
    }
}
