/* The tables of what differs. */
#ifndef CLI_WHATIF_TABLES_H
#define CLI_WHATIF_TABLES_H

#include "whatif/whatif.h"

struct whatif_paper { /* being written */
    const struct cli *cli;
    const struct whatif *whatif;
    struct paper *paper;
};

void tables_write(const struct whatif_paper *writing);

#endif
