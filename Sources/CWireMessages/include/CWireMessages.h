// The generated messages of proto/training.proto.
#include "training.pb-c.h"
