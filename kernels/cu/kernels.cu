// All kernels as one program: what NVRTC compiles for a device, and g++ for the stand-in driver.
#include "bin.cu"
#include "count.cu"
#include "explain.cu"
#include "forest.cu"
#include "gradient.cu"
#include "histogram.cu"
#include "partition.cu"
#include "split.cu"
