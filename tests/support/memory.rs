//! An allocator that knows the most memory that a thread had at once.

#![allow(unsafe_code, reason = "only an allocator can count, and its trait is unsafe")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

thread_local! {
    /// Bytes in use since the start of the measurement, and the most of them.
    static HEAP: Cell<(isize, isize)> = const { Cell::new((0, 0)) };
}

struct Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn count(bytes: usize, sign: isize) {
    // A thread that ends may free more when its cell is gone.
    let _ = HEAP.try_with(|heap| {
        let (now, peak) = heap.get();
        let now = now + sign * bytes as isize;
        heap.set((now, peak.max(now)));
    });
}

// SAFETY: every call goes to the system's allocator as it came; counting neither allocates nor panics.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size(), 1);
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout.size(), 1);
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        count(layout.size(), -1);
        unsafe { System.dealloc(block, layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // For a moment there may be both.
        count(size, 1);
        count(layout.size(), -1);
        unsafe { System.realloc(block, layout, size) }
    }
}

/// What `body` gives, and by how many bytes the heap grew at most while it ran.
pub fn peak<T>(body: impl FnOnce() -> T) -> (T, usize) {
    HEAP.with(|heap| heap.set((0, 0)));
    let value = body();
    let (_, peak) = HEAP.with(Cell::get);
    (value, peak.max(0) as usize)
}
