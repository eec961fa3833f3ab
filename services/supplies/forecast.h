/* How long stock lasts at its holder's rate of use. */
#ifndef SUPPLIES_FORECAST_H
#define SUPPLIES_FORECAST_H

#include "ledger.h"

/* Until when the holding lasts at the mean daily use of the last days, counting out what expires
 * before it is used. Nothing on hand: 0. No use known: INT64_MAX. At most ten years from now. */
int64_t forecast_lasts_until(const struct holding *holding, int64_t now_us);
/* Has any of it been used in the last days? */
bool forecast_is_used(const struct holding *holding, int64_t now_us);
/* Quantity of it was used now. */
void forecast_used(struct holding *holding, int64_t quantity, int64_t now_us);

#endif
