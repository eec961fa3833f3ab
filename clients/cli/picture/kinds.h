/* Kinds of notices and of supplies' movements as people say them, in both languages. */
#ifndef CLI_KINDS_H
#define CLI_KINDS_H

#include "plan/plan.h"

/* By Notice.Kind, SupplyMovement.Kind and Bulletin.Kind; "?" for one that is not known. */
struct plan_text kind_of_notice(int kind);
struct plan_text kind_of_movement(int kind);
struct plan_text kind_of_bulletin(int kind);

#endif
