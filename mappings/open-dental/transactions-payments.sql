-- key: SplitNum
-- changed: SecDateTEdit
-- Payments, as they are split over the accounts of a family: a balance counts splits, and payment.PatNum is only where the
-- payment was entered. Splits are deleted without a trace; the nightly comparison finds them.
select s.SplitNum, s.PatNum, p.PatNum as PayerNum, s.DatePay, s.SplitAmt, p.PayType, s.ProvNum, s.ClinicNum,
       s.SecDateTEdit
from paysplit s
left join payment p on p.PayNum = s.PayNum
