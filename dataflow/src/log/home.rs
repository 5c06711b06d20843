//! Which records may stand in a partition. A file that was copied from another partition has right checksums and the right
//! offsets, and would bring a repository in twice, or not at all.

use super::frame::Header;
use crate::source::partition_of;

/// A partition among those of its topic.
#[derive(Clone, Copy, Debug)]
pub(super) struct Home {
    pub partition: u32,
    pub partitions: u32,
}

impl Home {
    /// Why a record with this header and key cannot have been written here. Control records and the stand-ins of a repair
    /// have no key and may stand anywhere.
    pub(super) fn fault(self, header: &Header, key: &[u8]) -> Option<String> {
        if header.control || key.is_empty() {
            return None;
        }
        let home = partition_of(key, self.partitions);
        (home != self.partition).then(|| {
            format!(
                "it holds a record of partition {home}, and this is partition {}: a file of the one was put into the other",
                self.partition
            )
        })
    }
}
