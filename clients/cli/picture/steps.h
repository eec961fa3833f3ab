/* Words for the steps of procedures. */
#ifndef CLI_STEPS_H
#define CLI_STEPS_H

#include "plan/plan.h"

/* A step of a warning's procedure (Warning.State) as it is said once taken: 签发, "signed". */
struct plan_text steps_warning_word(int state);
/* An act as next names it ("sign") in Chinese; itself if it is none. */
const char *steps_act_zh(const char *act);

#endif
