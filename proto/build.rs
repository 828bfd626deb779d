//! Compiles the proto module with protox: no protoc is needed.

use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?);
    let out = PathBuf::from(env::var("OUT_DIR")?);
    println!("cargo:rerun-if-changed=eseal");
    let mut files = Vec::new();
    find_protos(&root.join("eseal"), &mut files)?;
    files.sort();

    let mut compiler = protox::Compiler::new([&root])?;
    compiler.include_source_info(true).include_imports(true).open_files(&files)?;
    let descriptors = compiler.file_descriptor_set();
    // Only this form keeps our own options, such as `access`.
    let encoded = compiler.encode_file_descriptor_set();
    fs::write(out.join("eseal.binpb"), &encoded)?;

    let mut config = tonic_prost_build::Config::new();
    // The JSON of `pbjson_types` has `+00:00` where proto3 JSON says `Z`.
    config.compile_well_known_types().extern_path(".google.protobuf.Timestamp", "crate::Timestamp");
    config.extern_path(".google.protobuf", "::prost_types");
    tonic_prost_build::configure().build_transport(false).compile_fds_with_config(descriptors, config)?;
    pbjson_build::Builder::new()
        .register_descriptors(&encoded)?
        .ignore_unknown_fields()
        .out_dir(&out)
        .build(&[".eseal"])?;
    Ok(())
}

fn find_protos(folder: &Path, found: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            find_protos(&path, found)?;
        } else if path.extension().is_some_and(|e| e == "proto") {
            found.push(path);
        }
    }
    Ok(())
}
