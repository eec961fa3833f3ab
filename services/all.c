/* All services in one process: the one place that knows every core. */
#include "common/host.h"

void sv_host_add_all(struct sv_host *host)
{
    static const struct sv_class *const CLASSES[] = {&reporting_class,    &grading_class,
                                                     &command_class,      &duty_class,
                                                     &notification_class, &supplies_class};
    for (size_t i = 0; i < sizeof CLASSES / sizeof *CLASSES; i++) {
        sv_host_add(host, CLASSES[i], NULL);
    }
}
