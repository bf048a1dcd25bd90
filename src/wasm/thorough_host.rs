//! The thorough levels of ZSTD as the host supplies them: by another module.

use std::cell::RefCell;

use wasm_bindgen::prelude::*;

use crate::compression::zstd::{Thorough, install_thorough};
use crate::error::{Error, Result};

#[wasm_bindgen]
extern "C" {
    /// `ThoroughCodec` of js/wasm-types.ts.
    #[derive(Clone)]
    pub type ThoroughCodec;

    #[wasm_bindgen(method, structural, catch)]
    fn compress(this: &ThoroughCodec, bytes: &[u8], level: i32) -> std::result::Result<Vec<u8>, JsValue>;
}

thread_local! {
    static CODEC: RefCell<Option<ThoroughCodec>> = const { RefCell::new(None) };
}

/// Lets the levels 5 to 22 be those of another module.
#[wasm_bindgen(js_name = installThorough)]
pub fn install(codec: ThoroughCodec) {
    CODEC.set(Some(codec));
    install_thorough(|level| Ok(Box::new(Host(level))));
}

/// A level.
struct Host(i32);

impl Thorough for Host {
    fn compress(&mut self, bytes: &[u8], frame: &mut Vec<u8>) -> Result<()> {
        // The host knows what went wrong, and throws that when this comes back to it.
        let failed = || Error::corrupt("the compressor failed");
        let codec = CODEC.with_borrow(Clone::clone).ok_or_else(failed)?;
        *frame = codec.compress(bytes, self.0).map_err(|_| failed())?;
        Ok(())
    }
}
