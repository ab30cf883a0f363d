-- key: AdjNum
-- changed: SecDateTEdit
-- GET /adjustments needs a chart to be asked for; where the office allows queries, this one is asked instead.
select a.AdjNum, a.PatNum, a.AdjDate, a.AdjAmt, a.AdjType, a.ProvNum, a.ClinicNum, a.SecDateTEdit
from adjustment a
