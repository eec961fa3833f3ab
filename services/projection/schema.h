/* The tables of the read model; each is explained in docs/read-model.md. */
#ifndef PROJECTION_SCHEMA_H
#define PROJECTION_SCHEMA_H

enum {
    PROJECTION_APPLICATION = 0x4c44524d, /* "LDRM" */
    PROJECTION_VERSION = 3               /* raised when a column goes or changes its meaning */
};

extern const char projection_schema[];

#endif
