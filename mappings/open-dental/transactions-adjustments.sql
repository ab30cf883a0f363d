-- key: AdjNum
-- changed: SecDateTEdit
select a.AdjNum, a.PatNum, a.AdjDate, a.AdjAmt, a.AdjType, a.ProvNum, a.ClinicNum, a.SecDateTEdit
from adjustment a
